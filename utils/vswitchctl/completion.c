#include "completion.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "value.h"

/* Where the words before the last one lead. */
struct place {
	const struct noun *const *nouns;
	const struct noun *noun;
	const struct command *command;
	unsigned n_args;
	const struct command_option *lacks_value; /* an option whose value comes next */
	const char *rundir;
	bool lost;    /* after a word that is not known nothing sensible can follow */
	json_t *seen; /* an object whose keys are the KEY of KEY=VALUE words */
	const char *partial;
	completion_names_fn *names;
	void *arg;
	struct strbuf *out;
};

static void offer(struct place *place, const char *prefix, const char *word, const char *suffix)
{
	struct strbuf whole = STRBUF_INIT;

	strbuf_printf(&whole, "%s%s%s", prefix, word, suffix);
	if (!strncmp(strbuf_str(&whole), place->partial, strlen(place->partial)))
		strbuf_printf(place->out, "%s\n", strbuf_str(&whole));
	strbuf_fini(&whole);
}

static const struct command_option *find_option(const struct place *place, const char *word)
{
	const struct command_option *lists[] = {
		place->command ? place->command->options : NULL, global_options};

	for (unsigned i = 0; i < 2; i++)
		for (const struct command_option *o = lists[i]; o && o->name; o++)
			if (!strcmp(o->name, word))
				return o;
	return NULL;
}

static void pass_word(struct place *place, const char *word)
{
	struct strbuf ignored = STRBUF_INIT;

	if (place->lacks_value) {
		if (!strcmp(place->lacks_value->name, "--rundir"))
			place->rundir = word;
		place->lacks_value = NULL;
	} else if (word[0] == '-' && word[1]) {
		const struct command_option *option = find_option(place, word);

		place->lacks_value = option && option->value ? option : NULL;
	} else if (!place->noun) {
		place->noun = noun_lookup(place->nouns, word, &ignored);
		place->lost = !place->noun;
		if (place->noun && !place->noun->commands[0].verb)
			place->command = &place->noun->commands[0];
	} else if (!place->command) {
		place->command = command_lookup(place->noun, word, &ignored);
		place->lost = !place->command;
	} else if (place->command->keys && strchr(word, '=')) {
		char *key = strndup(word, strcspn(word, "="));

		json_object_set_new(place->seen, key, json_true());
		free(key);
	} else if (place->command->args[place->n_args].word) {
		place->n_args++;
	}
	strbuf_fini(&ignored);
}

static void offer_names(struct place *place, const char *prefix, const char *method)
{
	json_t *objects = place->names(method, place->rundir, place->arg), *object;
	size_t i;

	json_array_foreach(objects, i, object) offer(place, prefix, value_str(object, "name"), "");
	json_decref(objects);
}

static void offer_nouns(struct place *place)
{
	for (const struct noun *const *n = place->nouns; *n; n++)
		offer(place, "", (*n)->name, "");
}

static void offer_options(struct place *place)
{
	const struct command_option *lists[] = {
		place->command ? place->command->options : NULL, global_options};

	for (unsigned i = 0; i < 2; i++)
		for (const struct command_option *o = lists[i]; o && o->name; o++)
			offer(place, "", o->name, "");
}

/* The values that can be told of the key in "KEY=...". */
static void offer_values(struct place *place, const struct config_key *key)
{
	char *prefix = strndup(place->partial, strlen(key->name) + 1);

	if (!prefix)
		abort();
	if (key->value == CONFIG_PORT_NAME)
		offer_names(place, prefix, "port.list");
	if (key->value == CONFIG_BRIDGE_NAME)
		offer_names(place, prefix, "bridge.list");
	for (const char *const *word = key->words; word && *word; word++)
		if (key_takes(key, *word))
			offer(place, prefix, *word, "");
	if (key->value == CONFIG_BOOL) {
		offer(place, prefix, "true", "");
		offer(place, prefix, "false", "");
	}
	free(prefix);
}

/* Keys not given yet, or the values of one. */
static void offer_keys(struct place *place)
{
	bool values = strchr(place->partial, '=');

	for (const struct config_key *k = NULL; (k = keys_next(place->command->keys, k));) {
		size_t len = strlen(k->name);

		if (values && !strncmp(k->name, place->partial, len) && place->partial[len] == '=')
			offer_values(place, k);
		else if (!values && k->value == CONFIG_IDS)
			offer(place, "", "external-id.", "");
		else if (!values && !json_object_get(place->seen, k->name))
			offer(place, "", k->name, "=");
	}
}

static void offer_arg(struct place *place, enum arg_kind kind)
{
	static const char *const levels[] = {"error", "warn", "info", "debug"};

	switch (kind) {
	case ARG_BRIDGE:
		offer_names(place, "", "bridge.list");
		break;
	case ARG_PORT:
		offer_names(place, "", "port.list");
		break;
	case ARG_LEVEL:
		for (unsigned i = 0; i < sizeof levels / sizeof *levels; i++)
			offer(place, "", levels[i], "");
		break;
	case ARG_NOUN:
		offer_nouns(place);
		break;
	case ARG_TEXT:
	case ARG_FILE:
		break;
	}
}

static void offer_next(struct place *place)
{
	if (place->lacks_value)
		return;
	if (place->partial[0] == '-') {
		offer_options(place);
	} else if (!place->noun) {
		offer_nouns(place);
	} else if (!place->command) {
		for (unsigned i = 0; i < place->noun->n_commands; i++)
			if (!place->noun->commands[i].hidden)
				offer(place, "", place->noun->commands[i].verb, "");
	} else {
		const struct command_arg *arg = &place->command->args[place->n_args];

		if (arg->word && !strchr(place->partial, '='))
			offer_arg(place, arg->kind);
		if (place->command->keys && (!arg->word || arg->optional))
			offer_keys(place);
	}
}

void completion_reply(const struct noun *const *nouns, const char *line, completion_names_fn *names,
	void *arg, struct strbuf *out)
{
	struct place place = {
		.nouns = nouns, .seen = json_object(), .names = names, .arg = arg, .out = out};
	char *copy = strdup(line), *rest = copy, *word;

	if (!copy || !place.seen)
		abort();
	while ((word = strsep(&rest, " \t")) && rest && !place.lost)
		if (*word)
			pass_word(&place, word);
	place.partial = word;
	if (!place.lost)
		offer_next(&place);
	json_decref(place.seen);
	free(copy);
}
