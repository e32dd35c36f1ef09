/* match_text - reads a match from each line and prints it again, or "error: " and why not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match.h"

static void answer(const char *line)
{
	struct strbuf out = STRBUF_INIT, why = STRBUF_INIT;
	struct match m;

	if (match_parse(&m, line, &why)) {
		printf("error: %s\n", strbuf_str(&why));
	} else {
		match_print(&m, &out);
		printf("%s\n", strbuf_str(&out));
	}
	strbuf_fini(&out);
	strbuf_fini(&why);
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		answer(line);
	}
	free(line);
	return 0;
}
