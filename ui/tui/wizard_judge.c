/* What is wrong with a form for new guests. Every field alone, by install_check() and by a look at its file;
 * then all together, by install_plan(), whose error belongs to the field of the option that it names. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "ui/tui/wizard.h"

/* Whose value an option of the plan is; the first that is to be seen gets the blame. */
static const struct {
	const char *option;
	enum wizard_field fields[5];
	size_t n;
} blames[] = {
    {"name", {W_NAME}, 1},
    {"cdrom", {W_ISO, W_SOURCE}, 2},
    {"location", {W_TREE, W_SOURCE}, 2},
    {"install initrd", {W_INITRD}, 1},
    {"install", {W_KERNEL, W_SOURCE}, 2},
    {"extra-args", {W_ARGS}, 1},
    {"import", {W_IMAGE, W_SOURCE}, 2},
    {"pxe", {W_SOURCE}, 1},
    {"osinfo", {W_SYSTEM}, 1},
    {"memory", {W_MEMORY}, 1},
    {"vcpus", {W_CPUS}, 1},
    {"disk", {W_IMAGE, W_SIZE, W_PATH, W_DISK}, 4},
    {"network", {W_BRIDGE, W_NETWORK}, 2},
    {"boot", {W_FIRMWARE}, 1},
    {"graphics", {W_SCREEN}, 1},
};

/* An error of the plan without the option that it begins with: "--memory memory='x' is..." is "'x' is...". */
static const char *plainly(const char *message)
{
	if (!str_starts(message, "--"))
		return message;
	const char *rest = message + strcspn(message, " :");
	const char *quote = strchr(rest, '\''), *word = rest + strspn(rest, ": ");
	bool named = quote && quote > word && strcspn(word, " ") >= (size_t)(quote - word); /* part='value' */
	return named ? quote : *word ? word : message;
}

/* What can be done by other options of the command line has no place in a form. */
static void wrong(struct wizard *w, enum wizard_field i, const char *text)
{
	const char *other = strstr(text, ", or --"), *only = strstr(text, "; --");
	other = other ? other : only;
	AUTO_FREE char *said = x_strndup(text, other ? (size_t)(other - text) : strlen(text));
	form_say(&w->form, i, ROLE_ERROR, said);
}

/* What is left empty, where it may not be. false: nothing more to be said of the field. */
static bool filled(struct wizard *w, enum wizard_field i, const char *wants)
{
	if (*wizard_value(w, i))
		return true;
	if (w->asked || w->form.fields[i].touched)
		wrong(w, i, wants);
	return false;
}

/* A field whose value is @before and what is in it. */
static void judge_option(struct wizard *w, enum wizard_field i, const char *option, const char *before,
			 const char *wants)
{
	struct err e = {0};
	if (w->form.fields[i].hidden)
		return;
	AUTO_FREE char *text = x_asprintf("%s%s", before, wizard_value(w, i));
	if (filled(w, i, wants) && install_check(option, text, &e))
		wrong(w, i, plainly(e.msg));
}

/* A file that has to be there. @folder: it may be one. */
static void judge_file(struct wizard *w, enum wizard_field i, bool folder, const char *wants)
{
	struct path_info info;
	struct err e = {0};
	if (w->form.fields[i].hidden || !filled(w, i, wants))
		return;
	AUTO_FREE char *whole = path_whole(wizard_value(w, i));
	if (w->b->ops->path_info(w->b, whole, false, &info, &e))
		wrong(w, i, e.msg);
	else if (info.kind == PATH_MISSING)
		wrong(w, i, "there is no such file");
	else if (info.kind == PATH_FOLDER && !folder)
		wrong(w, i, "this is a folder: Enter looks into it");
	else if (info.kind == PATH_OTHER)
		wrong(w, i, "this is neither a file nor a block device");
	else if (!info.readable)
		wrong(w, i, "you may not read it");
}

static void judge_fields(struct wizard *w)
{
	judge_option(w, W_NAME, "name", "", "a name is wanted");
	if (wizard_name_taken(w, wizard_value(w, W_NAME)))
		wrong(w, W_NAME, "there is a guest of that name already");
	judge_file(w, W_ISO, false, "an ISO image or a CD drive is wanted, or another source");
	judge_file(w, W_TREE, true, "a folder or an ISO is wanted, or another source");
	judge_file(w, W_KERNEL, false, "a kernel is wanted, or another source");
	if (*wizard_value(w, W_INITRD))
		judge_file(w, W_INITRD, false, "");
	judge_file(w, W_IMAGE, false, "the image of a disk is wanted, or another source");
	judge_option(w, W_MEMORY, "memory", "", "MiB are wanted, as 2048");
	judge_option(w, W_CPUS, "vcpus", "", "a number is wanted, 1 or more");
	judge_option(w, W_SIZE, "disk", "size=", "GiB are wanted, as 20 or 0.5");
	judge_file(w, W_PATH, false, "the image of a disk is wanted, or another choice above");
	judge_option(w, W_BRIDGE, "network", "bridge=", "the name of a bridge is wanted, or another network");
}

/* Is one of @fields to be seen and empty, that may not be? */
static bool lacks(const struct wizard *w, const enum wizard_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!w->form.fields[fields[i]].hidden && !*wizard_value(w, fields[i]))
			return true;
	return false;
}

static bool blame_first(struct wizard *w, const enum wizard_field *fields, size_t n, const char *message,
			bool focus)
{
	for (size_t i = 0; i < n; i++) {
		if (w->form.fields[fields[i]].hidden)
			continue;
		wrong(w, fields[i], plainly(message));
		if (focus)
			form_focus(&w->form, fields[i]);
		return true;
	}
	return false;
}

/* The field of the option that @message begins with, as errors of install_plan() do. */
static bool blame(struct wizard *w, const char *message, bool focus)
{
	for (size_t i = 0; i < ARRAY_SIZE(blames); i++) {
		const char *option = blames[i].option, *rest = message + 2 + strlen(option);
		if (!str_starts(message, "--") || !str_starts(message + 2, option) ||
		    isalpha((unsigned char)*rest) || *rest == '-')
			continue;
		if (blame_first(w, blames[i].fields, blames[i].n, message, focus))
			return true;
	}
	return false;
}

void wizard_blame(struct wizard *w, const char *message)
{
	static const struct {
		const char *word;
		enum wizard_field field;
	} words[] = {{"bridge", W_BRIDGE},  {"initrd", W_INITRD},       {"kernel '", W_KERNEL},
		     {"kernel of", W_TREE}, {"already exists", W_NAME}, {"UEFI", W_FIRMWARE},
		     {"memory", W_MEMORY}};
	static const enum wizard_field go = W_GO;
	bool done = blame(w, message, true);
	for (size_t i = 0; i < ARRAY_SIZE(words) && !done; i++)
		done = strstr(message, words[i].word) && blame_first(w, &words[i].field, 1, message, true);
	if (!done)
		blame_first(w, &go, 1, message, true);
}

/* A warning of the plan stands at the field that it is about. */
static void warn(struct wizard *w, const char *notes)
{
	static const struct {
		const char *word;
		enum wizard_field field;
	} words[] = {{"vCPU", W_CPUS}, {"memory", W_MEMORY}, {"disk", W_SIZE}};
	for (const char *s = notes; *s; s += strcspn(s, "\n"), s += *s == '\n') {
		if (!str_starts(s, "warning: "))
			continue;
		AUTO_FREE char *line = x_strndup(s + 9, strcspn(s, "\n") - 9);
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (strstr(line, words[i].word)) {
				form_say(&w->form, words[i].field, ROLE_WARNING, line);
				break;
			}
	}
}

/* All together; what it says is at the field that it is about, or at the button. While it is not told what it
 * boots, it is looked at as if it booted its disk: then the rest can be judged, but nothing be made. */
static void judge_all(struct wizard *w)
{
	static const enum wizard_field media[] = {W_ISO, W_TREE, W_KERNEL};
	static const enum wizard_field wanted[] = {W_NAME, W_IMAGE, W_MEMORY, W_CPUS,
						   W_SIZE, W_PATH,  W_BRIDGE};
	struct install_request r = {0};
	struct install_plan *plan = NULL;
	struct err e = {0};
	bool part = lacks(w, media, ARRAY_SIZE(media));
	if (form_wrong(&w->form) < W_COUNT &&
	    !(part && w->form.fields[form_wrong(&w->form)].kind == FIELD_FILE))
		return;
	if (lacks(w, wanted, ARRAY_SIZE(wanted)))
		return;
	wizard_request(w, &r);
	if (part) {
		install_set(&r, "cdrom", NULL);
		install_set(&r, "location", NULL);
		install_set(&r, "install", NULL);
		install_set(&r, "extra-args", NULL);
		install_set(&r, "osinfo", NULL);
		install_set(&r, "import", "");
	}
	if (install_plan(w->b, &r, &plan, &e)) {
		if (!blame(w, e.msg, false) && !part)
			wrong(w, W_GO, e.msg);
	} else {
		warn(w, plan->notes);
	}
	if (part)
		install_plan_free(plan);
	else
		w->plan = plan;
	install_request_done(&r);
}

void wizard_judge(struct wizard *w)
{
	judge_fields(w);
	judge_all(w);
}
