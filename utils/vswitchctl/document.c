#include "document.h"

#include <string.h>

enum {
	PAGE_ENTRIES = 16384,
	PART_BYTES = 4 << 20, /* no object is as long as what is left to 16 MiB */
};

/* Append the lists of 'page' to those of 'all'; what is no list stays. */
static void join(json_t *all, const json_t *page)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)page, key, value)
	{
		json_t *so_far = json_object_get(all, key);

		if (json_is_array(so_far))
			json_array_extend(so_far, value);
		else if (!so_far)
			json_object_set(all, key, value);
	}
}

json_t *document_call(struct cli *cli, const char *method, json_t *params)
{
	json_t *all = json_object(), *page;

	json_object_set_new(params, "limit", json_integer(PAGE_ENTRIES));
	while ((page = cli_call(cli, method, params))) {
		json_t *next = json_incref(json_object_get(page, "next"));

		json_object_del(page, "next");
		join(all, page);
		json_decref(page);
		if (!next)
			break;
		method = "config.more";
		json_decref(params);
		params = json_pack("{s:i, s:o}", "limit", PAGE_ENTRIES, "after", next);
	}
	json_decref(params);
	if (page)
		return all;
	json_decref(all);
	return NULL;
}

/* ---- in parts ---- */

struct parts {
	struct cli *cli;
	json_t *part;
	size_t bytes; /* of it */
	int n;	      /* sent */
	bool failed;
};

/* The part so far; also an empty one, so that every list is there. */
static void parts_send(struct parts *p)
{
	json_t *params = json_pack("{s:o}", "document", p->part);
	json_t *result = p->failed ? NULL : cli_call(p->cli, "config.part", params);

	p->failed = !result;
	p->n++;
	p->bytes = 0;
	p->part = json_object();
	json_decref(params);
	json_decref(result);
}

static void parts_add(struct parts *p, const char *key, json_t *entry)
{
	size_t bytes = json_dumpb(entry, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) + 1;

	if (p->bytes && p->bytes + bytes > PART_BYTES)
		parts_send(p);
	if (!json_object_get(p->part, key))
		json_object_set_new(p->part, key, json_array());
	json_array_append(json_object_get(p->part, key), entry);
	p->bytes += bytes;
}

/* Give the document to the daemon.  How many parts, or 0 after an error that has been told. */
static int send_parts(struct cli *cli, json_t *document)
{
	struct parts p = {.cli = cli, .part = json_object()};
	json_t *value, *entry;
	const char *key;
	size_t i;

	json_object_foreach(document, key, value)
	{
		if (!json_is_array(value)) {
			json_object_set(p.part, key, value);
			continue;
		}
		json_object_set_new(p.part, key, json_array());
		json_array_foreach(value, i, entry) parts_add(&p, key, entry);
	}
	parts_send(&p);
	json_decref(p.part);
	return p.failed ? 0 : p.n;
}

json_t *document_apply(struct cli *cli, json_t *document, bool dry_run)
{
	json_t *params = json_pack("{s:b}", "dry-run", (int)dry_run);
	int parts;

	if (!json_is_object(document) ||
		json_dumpb(document, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) <= PART_BYTES) {
		json_object_set(params, "document", document);
		return document_call(cli, "config.apply", params);
	}
	parts = send_parts(cli, document);
	if (!parts) {
		json_decref(params);
		return NULL;
	}
	json_object_set_new(params, "parts", json_integer(parts));
	return document_call(cli, "config.apply", params);
}
