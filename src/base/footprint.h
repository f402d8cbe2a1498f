/* How much memory a process holds that it has no use for. */
#ifndef SRC_BASE_FOOTPRINT_H
#define SRC_BASE_FOOTPRINT_H

/* Give back what only the beginning of the process needed: what is free on the heap, and the pages of code and
 * constants, of all loaded objects (the XML parser's are most). What is needed again comes back from the page cache,
 * at the cost of a page fault. Any thread, at any time. (elf(5), madvise(2): MADV_DONTNEED of a private file
 * mapping) */
void footprint_trim(void);

#endif
