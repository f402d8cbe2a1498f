/* Text that one viewer has cut, for the clipboards of the others: Latin-1, or the extended clipboard's UTF-8.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/screen/vnc_client.h"
#include "backend/screen/vnc_text.h"
#include "src/base/str.h"

#define CLIPBOARD_MAX (1u << 20)

/* One viewer's clipboard; its sendMutex is held. */
static void give_text(rfbClientPtr cl, const struct buf *latin1, const struct buf *utf8)
{
	struct buf AUTO_BUF m = {0};
	if (cl->enableExtendedClipboard) {
		char *copy = malloc(utf8->len + 1); /* the library's: what it answers a request with */
		if (!copy)
			return;
		memcpy(copy, buf_text(utf8), utf8->len + 1);
		free(cl->extClipboardData);
		cl->extClipboardData = copy;
		cl->extClipboardDataSize = (int)utf8->len + 1;
		if ((cl->extClipboardUserCap & rfbExtendedClipboard_Provide) &&
		    utf8->len < cl->extClipboardMaxUnsolicitedSize)
			vnc_text_provide(&m, utf8);
		else if (cl->extClipboardUserCap & rfbExtendedClipboard_Notify)
			vnc_text_notify(&m);
	} else {
		vnc_text_plain(&m, latin1);
	}
	if (m.len)
		rfbWriteExact(cl, m.s, (int)m.len);
}

void vnc_clipboard(struct vnc *v, unsigned from, const char *text, size_t len, bool utf8)
{
	struct buf AUTO_BUF l = {0}, AUTO_BUF u = {0};
	if (len > CLIPBOARD_MAX)
		return;
	buf_add(utf8 ? &u : &l, text, len);
	if (utf8)
		vnc_text_to_latin1(&l, text, len);
	else
		vnc_text_to_utf8(&u, text, len);
	vnc_hold_all(v);
	for (struct client *c = v->clients; c; c = c->next)
		if (c->id != from && c->cl->state == RFB_NORMAL && c->cl->sock >= 0)
			give_text(c->cl, &l, &u);
	vnc_let_go(v);
}

void vnc_clipboard_answer(struct vnc *v, unsigned id, bool peek)
{
	struct buf AUTO_BUF m = {0}, AUTO_BUF text = {0};
	vnc_hold_all(v);
	for (struct client *c = v->clients; c; c = c->next) {
		if (c->id != id || !c->cl->extClipboardData || c->cl->extClipboardDataSize < 1)
			continue;
		buf_add(&text, c->cl->extClipboardData, (size_t)c->cl->extClipboardDataSize - 1);
		if (peek)
			vnc_text_notify(&m);
		else
			vnc_text_provide(&m, &text);
		rfbWriteExact(c->cl, m.s, (int)m.len);
	}
	vnc_let_go(v);
}
