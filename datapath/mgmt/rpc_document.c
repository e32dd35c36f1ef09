/* How documents that are longer than a line go over the protocol; see held.h. */
#include <errno.h>
#include <string.h>

#include "held.h"
#include "mgmt_priv.h"
#include "must.h"
#include "rpc_page.h"
#include "schema.h"
#include "switch_limits.h"

/* ---- out ---- */

/* By way of the committer, so that nothing is shown that may yet be undone. */
int rpc_config_export(
	struct config_tx *tx, const json_t *params, json_t **result, struct refusal *r)
{
	*result = config_export(tx->config);
	return 0;
}

/* What the call has made, in pages where it asks for them. */
static int first_page(struct rpc_call *call, const struct rpc_page *page)
{
	held_answer(call->held, call->result);
	call->result = NULL;
	held_page(call->held, page->limit, LIMITS_PAGE_BYTES, &call->text);
	return 0;
}

int rpc_config_exported(struct rpc_call *call)
{
	struct rpc_page page;

	if (rpc_page_params(call, &page))
		return -EINVAL;
	return page.limit ? first_page(call, &page) : 0;
}

/* It is done, so the answer may not be that it is too long. */
int rpc_config_applied(struct rpc_call *call)
{
	struct rpc_page page;

	if (!rpc_page_params(call, &page) && page.limit)
		return first_page(call, &page);
	held_cut(call->result, LIMITS_TEXT_BYTES / 4 * 3, &call->text);
	json_decref(call->result);
	call->result = NULL;
	return 0;
}

int rpc_config_more(struct rpc_call *call)
{
	struct rpc_page page;

	if (rpc_page_params(call, &page))
		return -EINVAL;
	if (!page.after)
		return refuse(&call->refusal, REFUSED_PARAMS, "after", "'after' is missing");
	if (!held_continues(call->held, page.after))
		return refuse(&call->refusal, REFUSED_ABSENT, "after",
			"'after' is not the 'next' of the last page on this connection");
	held_page(call->held, page.limit, LIMITS_PAGE_BYTES, &call->text);
	return 0;
}

/* ---- in ---- */

int rpc_config_part(struct rpc_call *call)
{
	json_t *part = json_object_get(call->params, "document");

	if (!json_is_object(part))
		return refuse(
			&call->refusal, REFUSED_PARAMS, "document", "'document' is not an object");
	int n = held_part(call->held, part, call->bytes, &call->mgmt->parts_bytes);
	if (n < 0)
		return refuse(&call->refusal, REFUSED_LIMIT, "document",
			"document-bytes: parts of documents of more than %d bytes are not kept",
			LIMITS_PARTS_BYTES);
	call->result = must(json_pack("{s:i}", "parts", n));
	return 0;
}

int rpc_config_take(struct rpc_call *call)
{
	const json_t *parts = json_object_get(call->params, "parts");
	size_t given = json_array_size(call->held->parts);
	json_int_t n = json_integer_value(parts);
	struct rpc_page page;

	if (rpc_page_params(call, &page)) /* while nothing is done yet */
		return -EINVAL;
	json_t *document = held_join(call->held, n > 0 ? (size_t)n : 0, &call->mgmt->parts_bytes);
	if (!parts)
		return 0;
	if (!document)
		return refuse(&call->refusal, REFUSED_BAD, "parts",
			"parts: %zu were given on this connection", given);
	json_t *own = must(json_copy((json_t *)call->params));
	must_do(json_object_del(own, "parts"));
	if (json_object_get(own, "document")) {
		json_decref(document);
		json_decref(own);
		return refuse(&call->refusal, REFUSED_PARAMS, "document",
			"'document' and 'parts' are given");
	}
	must_do(json_object_set_new(own, "document", document));
	call->params = call->own_params = own;
	return 0;
}
