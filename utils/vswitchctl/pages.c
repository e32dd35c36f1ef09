#include "pages.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE_ENTRIES = 16384 };

void pages_init(struct pages *pages, struct cli *cli, const char *method, const json_t *params)
{
	*pages = (struct pages){.cli = cli, .method = method};
	pages->params = params ? json_copy((json_t *)params) : json_object();
	json_object_set_new(pages->params, "limit", json_integer(PAGE_ENTRIES));
}

void pages_fini(struct pages *pages)
{
	json_decref(pages->params);
}

json_t *pages_next(struct pages *pages)
{
	if (pages->end || pages->failed)
		return NULL;
	json_t *page = cli_call(pages->cli, pages->method, pages->params);

	if (!page) {
		pages->failed = true;
		return NULL;
	}
	json_t *next = json_object_get(page, "next");
	json_t *list = json_incref(json_object_get(page, "list"));

	pages->end = !next;
	if (next)
		json_object_set(pages->params, "after", next);
	json_decref(page);
	if (json_is_array(list))
		return list;
	json_decref(list);
	cli_error(pages->cli, client_error(CLIENT_PROTOCOL, "vswitchd's answer has no list"));
	pages->failed = true;
	return NULL;
}

json_t *pages_all(struct cli *cli, const char *method, const json_t *params)
{
	json_t *all = json_array(), *page;
	struct pages pages;

	pages_init(&pages, cli, method, params);
	while ((page = pages_next(&pages))) {
		json_array_extend(all, page);
		json_decref(page);
	}
	pages_fini(&pages);
	if (!pages.failed)
		return all;
	json_decref(all);
	return NULL;
}

/* Append a page as a part of one array, as cli_json() would print that in one piece. */
static void print_json(struct cli *cli, const json_t *page, bool *any)
{
	bool terminal = isatty(STDOUT_FILENO);
	char *text;

	if (!json_array_size(page))
		return;
	text = json_dumps(page, terminal ? JSON_INDENT(2) : JSON_COMPACT);
	if (!text)
		abort();
	text[strlen(text) - (terminal ? 2 : 1)] = '\0'; /* "\n]" */
	strbuf_putc(&cli->out, *any ? ',' : '[');
	strbuf_puts(&cli->out, text + 1);
	free(text);
	*any = true;
}

int pages_run(struct cli *cli, const struct call *call)
{
	int status = CLI_DONE;
	struct pages pages;
	bool any = false;
	json_t *page;

	pages_init(&pages, cli, call->command->method, call->params);
	while (status == CLI_DONE && (page = pages_next(&pages))) {
		if (cli->globals.json)
			print_json(cli, page, &any);
		else
			call->command->print(cli, call, page);
		json_decref(page);
		cli->pages++;
		status = cli_flush(cli, status);
	}
	if (cli->globals.json && !pages.failed)
		strbuf_puts(&cli->out, any && isatty(STDOUT_FILENO) ? "\n]\n"
				       : any			    ? "]\n"
								    : "[]\n");
	pages_fini(&pages);
	return pages.failed ? CLI_REFUSED : status;
}
