/* dnsd ADDRESS PORT ANSWER - a name server for tests: every name has the IPv4 address ANSWER and no other
 * record. (RFC 1035, 4.1) */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER 12

/* Make the query an answer, in place. Return: its length, 0: it is no query. */
static size_t answer(uint8_t *m, size_t n, struct in_addr a)
{
	size_t at = HEADER;
	if (n < HEADER || m[2] & 0x80)
		return 0;
	while (at < n && m[at])
		at += 1u + m[at];
	if (at + 5 > n)
		return 0;
	int is_a = m[at + 1] == 0 && m[at + 2] == 1;
	size_t end = at + 5; /* what stands behind the question (EDNS) is left out */
	m[2] = (uint8_t)(0x84 | (m[2] & 1));
	m[3] = 0x80;
	memcpy(m + 4, (uint8_t[]){0, 1, 0, (uint8_t)is_a, 0, 0, 0, 0}, 8);
	if (!is_a)
		return end;
	memcpy(m + end, (uint8_t[]){0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4}, 12);
	memcpy(m + end + 12, &a, 4);
	return end + 16;
}

int main(int argc, char **argv)
{
	struct sockaddr_in self = {.sin_family = AF_INET}, from;
	struct in_addr a;
	uint8_t m[1024];
	if (argc != 4 || inet_pton(AF_INET, argv[1], &self.sin_addr) != 1 ||
	    inet_pton(AF_INET, argv[3], &a) != 1) {
		fprintf(stderr, "usage: dnsd ADDRESS PORT ANSWER\n");
		return 2;
	}
	self.sin_port = htons((uint16_t)atoi(argv[2]));
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0) {
		perror("dnsd");
		return 1;
	}
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, m, sizeof(m) - 64, 0, (struct sockaddr *)&from, &len);
		size_t k = n > 0 ? answer(m, (size_t)n, a) : 0;
		if (k)
			sendto(fd, m, k, 0, (struct sockaddr *)&from, len);
	}
}
