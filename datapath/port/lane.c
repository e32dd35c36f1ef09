#include "lane.h"

#include "port.h"

static const char *const size_class_names[] = {
	"<=64", "65-127", "128-255", "256-511", "512-1023", "1024-1518", "1519-9018", ">9018"};
_Static_assert(
	sizeof(size_class_names) / sizeof(size_class_names[0]) == SIZE_CLASSES, "a name each");

const char *size_class_name(unsigned size_class)
{
	assert(size_class < SIZE_CLASSES);
	return size_class_names[size_class];
}

int lane_init(struct lane *lane, unsigned id, lane_enter_fn enter)
{
	int err;

	*lane = (struct lane){.id = id, .enter = enter, .cuts_left = LANE_CUTS_MAX};
	err = arena_init(&lane->arena);
	if (!err)
		iobatch_init(&lane->io);
	return err;
}

void lane_fini(struct lane *lane)
{
	iobatch_fini(&lane->io);
	arena_fini(&lane->arena);
}
