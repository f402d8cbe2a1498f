/* Copies: what has moved in the picture is copied by viewers from what they have (CopyRect).
 *
 * What makes that right. Outside of a client's modifiedRegion and copyRegion its viewer has what the picture
 * has, or will have it when what was sent before has come: as long as the picture only changes together with
 * these, and not while the client encodes. So a client is held (sendMutex) from before the picture is moved
 * until its copy is in its copyRegion; one that is encoding at that moment is not waited for and is told that
 * it changed, as are those that take no copies. The library sends the copies of an update before its pixels,
 * each part from the side it moves to, and what it cannot copy as pixels. */
#include "backend/screen/scroll.h"
#include "backend/screen/vnc_client.h"

static bool copies(const struct client *c)
{
	const rfbScreenInfo *s = c->v->screen;
	return c->cl->state == RFB_NORMAL && c->cl->useCopyRect && c->cl->scaledScreen == s &&
	       (c->cl->useNewFBSize || (c->width == s->width && c->height == s->height));
}

bool vnc_copies(struct vnc *v)
{
	bool any = false;
	pthread_mutex_lock(&v->lock);
	for (struct client *c = v->clients; c; c = c->next)
		any |= copies(c);
	pthread_mutex_unlock(&v->lock);
	return any;
}

void vnc_move_begin(struct vnc *v)
{
	pthread_mutex_lock(&v->lock);
	for (struct client *c = v->clients; c; c = c->next)
		c->held = copies(c) && pthread_mutex_trylock(&c->cl->sendMutex) == 0;
}

static sraRegionPtr region(const struct screen_rect *r, size_t n)
{
	sraRegionPtr all = sraRgnCreate();
	for (size_t i = 0; i < n; i++) {
		sraRegionPtr one = sraRgnCreateRect(r[i].x, r[i].y, r[i].x + r[i].w, r[i].y + r[i].h);
		sraRgnOr(all, one);
		sraRgnDestroy(one);
	}
	return all;
}

/* Of @to, what comes from @from. */
static sraRegionPtr coming(const sraRegionPtr from, const sraRegionPtr to, int dy)
{
	sraRegionPtr r = sraRgnCreateRgn(from);
	sraRgnOffset(r, 0, dy);
	sraRgnAnd(r, to);
	return r;
}

/* Have a client that is held copy @to from @dy above. Its updateMutex is held. */
static void schedule(rfbClientPtr cl, const sraRegionPtr to, int dy)
{
	/* what would be copied from where the viewer has something else */
	sraRegionPtr wrong = coming(cl->modifiedRegion, to, dy);
	if (sraRgnEmpty(cl->copyRegion)) {
		sraRgnSubtract(cl->modifiedRegion, to); /* what it had there does not matter any more */
		sraRgnOr(cl->copyRegion, to);
		cl->copyDY = dy;
	} else { /* one that was not sent yet: both in one, and pixels for what is only in one of them */
		sraRegionPtr both = coming(cl->copyRegion, to, dy);
		sraRgnOr(cl->modifiedRegion, cl->copyRegion);
		sraRgnOr(cl->modifiedRegion, to);
		sraRgnSubtract(cl->modifiedRegion, both);
		sraRgnMakeEmpty(cl->copyRegion);
		cl->copyDY += dy;
		if (cl->copyDY) /* else it is back where it was */
			sraRgnOr(cl->copyRegion, both);
		sraRgnDestroy(both);
	}
	cl->copyDX = 0;
	sraRgnOr(cl->modifiedRegion, wrong);
	sraRgnDestroy(wrong);
}

void vnc_move_end(struct vnc *v, const struct scroll *m)
{
	sraRegionPtr to = region(m->runs, m->nruns), looks = region(m->changed, m->nchanged);
	for (struct client *c = v->clients; c; c = c->next) {
		pthread_mutex_lock(&c->cl->updateMutex);
		vnc_torn_note(c);
		if (c->held)
			schedule(c->cl, to, m->dy);
		else
			sraRgnOr(c->cl->modifiedRegion, looks);
		if (v->changed)
			sraRgnOr(c->cl->modifiedRegion, v->changed);
		pthread_cond_signal(&c->cl->updateCond);
		pthread_mutex_unlock(&c->cl->updateMutex);
		if (c->held)
			pthread_mutex_unlock(&c->cl->sendMutex);
		c->held = false;
	}
	pthread_mutex_unlock(&v->lock);
	sraRgnDestroy(to);
	sraRgnDestroy(looks);
	if (v->changed)
		sraRgnDestroy(v->changed);
	v->changed = NULL;
}
