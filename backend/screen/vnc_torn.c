/* Torn updates: what a viewer was sent while the picture changed is sent once more.
 *
 * The library's Tight encoder looks at the picture more than once for each rectangle: for its colours, then
 * for its pixels. A colour that comes up between the two makes it write wrong pixels where nothing has
 * changed, which nobody would ever mend. (The other encoders copy what they encode first: what they tear is
 * what has changed, which is told afterwards.) To wait with the picture for a viewer would make all wait for
 * the slowest, so the main thread counts its changes, and an update that has seen one is done again.
 *
 * What an update is of, the library does not say: it copies its client's modifiedRegion some time before it
 * takes the sendMutex, and others may have taken parts of that away by then. So all that was in the
 * modifiedRegion since the client's last update is kept in @lately. */
#include "backend/screen/vnc_client.h"

void vnc_draw_begin(struct vnc *v)
{
	atomic_store(&v->drawing, true);
}

void vnc_draw_end(struct vnc *v, bool any)
{
	if (any)
		atomic_fetch_add(&v->drawn, 1);
	atomic_store(&v->drawing, false);
}

static bool tears(const struct client *c)
{
	return c->cl->preferredEncoding == rfbEncodingTight ||
	       c->cl->preferredEncoding == (int)rfbEncodingTightPng;
}

void vnc_torn_note(struct client *c)
{
	if (tears(c))
		sraRgnOr(c->lately, c->cl->modifiedRegion);
}

void vnc_torn_begin(struct client *c)
{
	pthread_mutex_lock(&c->cl->updateMutex);
	vnc_torn_note(c);
	pthread_mutex_unlock(&c->cl->updateMutex);
	c->drawn = atomic_load(&c->v->drawn);
}

void vnc_torn_end(struct client *c)
{
	bool torn = atomic_load(&c->v->drawing) || atomic_load(&c->v->drawn) != c->drawn;
	pthread_mutex_lock(&c->cl->updateMutex);
	if (torn && tears(c))
		sraRgnOr(c->cl->modifiedRegion, c->lately);
	if (!pthread_equal(pthread_self(), c->v->main)) /* what its thread has copied, it has sent */
		sraRgnMakeEmpty(c->lately);
	pthread_mutex_unlock(&c->cl->updateMutex);
}
