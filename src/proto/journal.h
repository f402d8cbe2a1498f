/* A line of journal.jsonl: what happened to a guest, by whom and when. */
#ifndef SRC_PROTO_JOURNAL_H
#define SRC_PROTO_JOURNAL_H

/* @detail may be NULL. With its newline, the caller's to free. */
char *journal_line(const char *event, const char *name, const char *uuid, const char *detail);

#endif
