/* What bash has on its line while Tab is pressed, as words; and candidates as bash wants them back.
 *
 * Theory of operation: bash splits the line at COMP_WORDBREAKS, which holds ":" and "=" besides blanks, does not
 * take quotes off, and replaces only what stands behind the last break or behind a quote that is open. So the
 * words are found here, from the line itself: quotes off, and only "=" splits, as complete.c expects. Each
 * candidate for the last word is then cut to what is replaced, and quoted as the word is. */
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "ui/cli/cli.h"

#define WORDS_MAX 256

struct line {
	char *words[WORDS_MAX];
	int n;
	struct buf word;   /* as it grows, quotes off */
	bool begun;        /* there is one, though it may be empty */
	char quote;        /* the one that is open, or 0 */
	size_t token;      /* where in the last word bash's own last word begins: behind a "=" */
	size_t replaced;   /* where in the last word that begins what the shell replaces */
};

static void end_word(struct line *l)
{
	if (l->begun && l->n < WORDS_MAX)
		l->words[l->n++] = buf_take(&l->word);
	l->begun = false;
}

/* A character outside of quotes. */
static void plain(struct line *l, char c, const char *breaks)
{
	if (c == ' ' || c == '\t' || c == '\n') {
		end_word(l);
		l->token = l->replaced = 0;
		return;
	}
	l->begun = true;
	if (c == '\'' || c == '"') {
		l->quote = c;
		l->replaced = l->word.len;
		return;
	}
	buf_add(&l->word, &c, 1);
	if (c == '=')
		l->token = l->word.len;
	if (strchr(breaks, c))
		l->replaced = l->word.len;
}

static void read_line(struct line *l, const char *s, const char *breaks)
{
	for (; *s; s++) {
		if (l->quote && *s == l->quote)
			l->quote = 0;
		else if (*s == '\\' && s[1] && (!l->quote || (l->quote == '"' && strchr("$`\"\\", s[1])))) {
			l->begun = true;
			buf_add(&l->word, ++s, 1);
		} else if (*s == '\\' && !s[1] && !l->quote)
			l->begun = true; /* it quotes what is still to come */
		else if (l->quote)
			buf_add(&l->word, s, 1);
		else
			plain(l, *s, breaks);
	}
	l->begun = true; /* the word at the cursor, empty or not */
}

/* @s as the shell reads it in the place where it will stand. */
static void put_quoted(FILE *out, const char *s, char quote)
{
	const char *special = quote == '"' ? "$`\"\\" : " \t'\"\\$`!*?[]{}()<>|&;#~^";
	for (; *s; s++) {
		if (quote == '\'' && *s == '\'')
			fputs("'\\'", out); /* and the quote again */
		else if (quote != '\'' && strchr(special, *s))
			fputc('\\', out);
		fputc(*s, out);
	}
	fputc('\n', out);
}

/* One line of complete.c's for each candidate, which takes the place of the last word from l->token on. */
static void put_candidates(const struct line *l, const char *word, char *text, FILE *out)
{
	for (char *save = NULL, *c = strtok_r(text, "\n", &save); c; c = strtok_r(NULL, "\n", &save)) {
		AUTO_FREE char *full = x_asprintf("%.*s%s", (int)l->token, word, c);
		if (strlen(full) >= l->replaced)
			put_quoted(out, full + l->replaced, l->quote);
	}
}

/* The last word split at each "=" outside of quotes, as bash has it: "--domain", "=", "web1". */
static int split_last(struct line *l, char *words[], int n, const char *word)
{
	char *eq = l->token ? x_strndup(word, l->token - 1) : NULL;
	if (eq && *eq)
		words[n++] = eq;
	else
		free(eq);
	if (l->token)
		words[n++] = x_strdup("=");
	if (!l->token || word[l->token])
		words[n++] = x_strdup(word + l->token);
	return n;
}

void cli_complete_line(const struct cli *cli, const char *text, const char *breaks, FILE *out)
{
	struct line l = {0};
	AUTO_FREE char *found = NULL;
	size_t len = 0;
	read_line(&l, text, breaks);
	AUTO_FREE char *word = x_strdup(buf_text(&l.word));
	buf_done(&l.word);
	char *words[WORDS_MAX + 4] = {0};
	int n = 0;
	for (int i = 1; i < l.n; i++) /* without the program's name */
		words[n++] = x_strdup(l.words[i]);
	/* Only behind an option "=" is more than a letter. */
	if (*word != '-' && !(n && *words[n - 1] == '-'))
		l.token = 0;
	bool whole = l.n > 0; /* else the program's name itself is typed */
	n = whole ? split_last(&l, words, n, word) : 0;
	FILE *f = whole ? open_memstream(&found, &len) : NULL;
	if (f) {
		cli_complete(cli, words, n, f);
		fclose(f);
		put_candidates(&l, word, found, out);
	}
	for (int i = 0; i < n; i++)
		free(words[i]);
	for (int i = 0; i < l.n; i++)
		free(l.words[i]);
}
