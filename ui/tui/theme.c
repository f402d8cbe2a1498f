#include "ui/tui/theme.h"

#include "src/base/cleanup.h"

#define IDX(n) (VT_INDEXED | (n))
#define NONE VT_DEFAULT

struct look {
	struct style dark, light; /* 256 colours, by the background */
	struct style plain, mono; /* 8 or 16, none */
};

static const struct look looks[] = {
    [ROLE_NORMAL] = {{NONE, NONE, 0}, {NONE, NONE, 0}, {NONE, NONE, 0}, {NONE, NONE, 0}},
    [ROLE_DIM] = {{IDX(245), NONE, 0}, {IDX(243), NONE, 0}, {NONE, NONE, VT_DIM}, {NONE, NONE, VT_DIM}},
    [ROLE_STRONG] = {{NONE, NONE, VT_BOLD},
		     {NONE, NONE, VT_BOLD},
		     {NONE, NONE, VT_BOLD},
		     {NONE, NONE, VT_BOLD}},
    [ROLE_BRAND] = {{IDX(80), IDX(236), VT_BOLD},
		    {IDX(24), IDX(253), VT_BOLD},
		    {IDX(0), IDX(6), 0},
		    {NONE, NONE, VT_REVERSE | VT_BOLD}},
    [ROLE_TOP] = {{IDX(252), IDX(236), 0},
		  {IDX(236), IDX(253), 0},
		  {IDX(0), IDX(6), 0},
		  {NONE, NONE, VT_REVERSE}},
    [ROLE_COLUMNS] = {{IDX(110), NONE, VT_BOLD},
		      {IDX(25), NONE, VT_BOLD},
		      {IDX(6), NONE, VT_BOLD},
		      {NONE, NONE, VT_BOLD}},
    [ROLE_SORTED] = {{IDX(80), NONE, VT_BOLD | VT_UNDERLINE},
		     {IDX(30), NONE, VT_BOLD | VT_UNDERLINE},
		     {IDX(6), NONE, VT_BOLD | VT_UNDERLINE},
		     {NONE, NONE, VT_BOLD | VT_UNDERLINE}},
    [ROLE_SELECTED] = {{IDX(255), IDX(24), 0},
		       {IDX(232), IDX(153), 0},
		       {IDX(7), IDX(4), VT_BOLD},
		       {NONE, NONE, VT_REVERSE}},
    [ROLE_BAR_IDLE] = {{NONE, IDX(237), 0},
		       {NONE, IDX(254), 0},
		       {NONE, NONE, VT_UNDERLINE},
		       {NONE, NONE, VT_UNDERLINE}},
    [ROLE_MARKED] = {{IDX(222), NONE, VT_BOLD},
		     {IDX(130), NONE, VT_BOLD},
		     {IDX(3), NONE, VT_BOLD},
		     {NONE, NONE, VT_BOLD}},
    [ROLE_RUNNING] = {{IDX(114), NONE, 0}, {IDX(28), NONE, 0}, {IDX(2), NONE, 0}, {NONE, NONE, VT_BOLD}},
    [ROLE_PAUSED] = {{IDX(221), NONE, 0}, {IDX(94), NONE, 0}, {IDX(3), NONE, 0}, {NONE, NONE, 0}},
    [ROLE_CRASHED] = {{IDX(203), NONE, VT_BOLD},
		      {IDX(160), NONE, VT_BOLD},
		      {IDX(1), NONE, VT_BOLD},
		      {NONE, NONE, VT_BOLD | VT_UNDERLINE}},
    [ROLE_METER] = {{IDX(73), NONE, 0}, {IDX(30), NONE, 0}, {IDX(6), NONE, 0}, {NONE, NONE, 0}},
    [ROLE_METER_HIGH] = {{IDX(209), NONE, 0}, {IDX(166), NONE, 0}, {IDX(1), NONE, 0}, {NONE, NONE, VT_BOLD}},
    [ROLE_METER_REST] = {{IDX(238), NONE, 0},
			 {IDX(252), NONE, 0},
			 {NONE, NONE, VT_DIM},
			 {NONE, NONE, VT_DIM}},
    [ROLE_FRAME] = {{IDX(240), NONE, 0}, {IDX(248), NONE, 0}, {NONE, NONE, VT_DIM}, {NONE, NONE, VT_DIM}},
    [ROLE_FRAME_ON] = {{IDX(80), NONE, 0},
		       {IDX(30), NONE, 0},
		       {IDX(6), NONE, VT_BOLD},
		       {NONE, NONE, VT_BOLD}},
    [ROLE_KEY] = {{IDX(80), NONE, VT_BOLD},
		  {IDX(30), NONE, VT_BOLD},
		  {IDX(6), NONE, VT_BOLD},
		  {NONE, NONE, VT_REVERSE}},
    [ROLE_LABEL] = {{IDX(250), NONE, 0}, {IDX(239), NONE, 0}, {NONE, NONE, 0}, {NONE, NONE, 0}},
    [ROLE_INFO] = {{IDX(114), NONE, 0}, {IDX(28), NONE, 0}, {IDX(2), NONE, 0}, {NONE, NONE, 0}},
    [ROLE_WARNING] = {{IDX(221), NONE, 0}, {IDX(94), NONE, 0}, {IDX(3), NONE, 0}, {NONE, NONE, VT_BOLD}},
    [ROLE_ERROR] = {{IDX(203), NONE, VT_BOLD},
		    {IDX(160), NONE, VT_BOLD},
		    {IDX(1), NONE, VT_BOLD},
		    {NONE, NONE, VT_BOLD}},
    [ROLE_DANGER] = {{IDX(203), NONE, 0},
		     {IDX(160), NONE, 0},
		     {IDX(1), NONE, VT_BOLD},
		     {NONE, NONE, VT_BOLD}},
    [ROLE_BUTTON] = {{IDX(250), IDX(238), 0}, {IDX(236), IDX(252), 0}, {IDX(0), IDX(7), 0}, {NONE, NONE, 0}},
    [ROLE_FIELD] = {{IDX(255), IDX(236), 0},
		    {IDX(232), IDX(254), 0},
		    {IDX(7), IDX(4), 0},
		    {NONE, NONE, VT_UNDERLINE}},
};
_Static_assert(ARRAY_SIZE(looks) == ROLE_COUNT, "a look for every role");

static int theme_colours = 256;
static bool theme_light;

void theme_set(int colours)
{
	theme_colours = colours;
}

void theme_set_light(bool light)
{
	theme_light = light;
}

struct style theme(enum role r)
{
	const struct look *l = &looks[r];
	return theme_colours >= 256 ? (theme_light ? l->light : l->dark)
	       : theme_colours >= 8 ? l->plain
				    : l->mono;
}
