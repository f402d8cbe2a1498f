#include "backend/screen/flow.h"

bool flow_fence(struct flow *f, int64_t now_us, uint32_t *number)
{
	if (f->sent - f->back >= FLOW_FENCES)
		return false;
	*number = f->sent;
	f->at[f->sent++ % FLOW_FENCES] = now_us;
	return true;
}

void flow_back(struct flow *f, uint32_t number, int64_t now_us)
{
	if (number - f->back >= f->sent - f->back)
		return;
	int64_t took = now_us - f->at[number % FLOW_FENCES];
	took = took > 0 ? took : 1;
	if (!f->quickest || took < f->quickest)
		f->quickest = took;
	f->back = number + 1;
}

bool flow_open(const struct flow *f, int64_t now_us)
{
	uint32_t away = f->sent - f->back;
	if (!away)
		return true;
	if (!f->quickest || away == FLOW_FENCES)
		return false;
	int64_t late = f->quickest / 2 > FLOW_SLACK_US ? f->quickest / 2 : FLOW_SLACK_US;
	return now_us - f->at[f->back % FLOW_FENCES] <= f->quickest + late;
}
