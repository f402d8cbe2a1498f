#include "src/cmd/webfiles.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"

#define PORT_FIRST 6080 /* as websockify and noVNC's own scripts have it */
#define PORT_LAST 6999
#define CONNECTIONS_MAX 64
#define IDLE_S 15

struct webfiles {
	void *lib;
	int root; /* the folder */
	struct MHD_Daemon *daemon;
	__typeof__(&MHD_start_daemon) start;
	__typeof__(&MHD_stop_daemon) stop;
	__typeof__(&MHD_create_response_from_buffer) from_buffer;
	__typeof__(&MHD_create_response_from_fd) from_fd;
	__typeof__(&MHD_add_response_header) add_header;
	__typeof__(&MHD_queue_response) queue;
	__typeof__(&MHD_destroy_response) destroy;
};

static int load(struct webfiles *w, struct err *e)
{
	w->lib = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
	const struct {
		const char *name;
		void *slot;
	} want[] = {
	    {"MHD_start_daemon", &w->start},
	    {"MHD_stop_daemon", &w->stop},
	    {"MHD_create_response_from_buffer", &w->from_buffer},
	    {"MHD_create_response_from_fd", &w->from_fd},
	    {"MHD_add_response_header", &w->add_header},
	    {"MHD_queue_response", &w->queue},
	    {"MHD_destroy_response", &w->destroy},
	};
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		void *f = w->lib ? dlsym(w->lib, want[i].name) : NULL;
		if (!f)
			return err_set(e, ENOENT,
				       "libmicrohttpd is missing: install the package libmicrohttpd12");
		memcpy(want[i].slot, &f, sizeof(f));
	}
	return 0;
}

static const char *type_of(const char *path)
{
	static const struct {
		const char *end, *type;
	} types[] = {
	    {".html", "text/html; charset=utf-8"},
	    {".js", "text/javascript; charset=utf-8"},
	    {".css", "text/css; charset=utf-8"},
	    {".json", "application/json"},
	    {".svg", "image/svg+xml"},
	    {".png", "image/png"},
	    {".ico", "image/x-icon"},
	    {".mp3", "audio/mpeg"},
	    {".oga", "audio/ogg"},
	    {".ttf", "font/ttf"},
	    {".woff", "font/woff"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (str_ends(path, types[i].end))
			return types[i].type;
	return "application/octet-stream";
}

/* The file that @url names, or -1. Nothing above the folder, nothing hidden, no folder. */
static int file_of(const struct webfiles *w, const char *url, struct stat *st)
{
	if (*url != '/' || strstr(url, "/.") || strstr(url, "//"))
		return -1;
	const char *name = strcmp(url, "/") ? url + 1 : "vnc.html";
	AUTO_CLOSE int fd = openat(w->root, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode) ? TAKE_FD(fd) : -1;
}

static enum MHD_Result answer(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
			      const char *version, const char *upload, size_t *upload_size, void **state)
{
	static char none[] = "Not found\n", wrong[] = "Only GET\n";
	const struct webfiles *w = ctx;
	struct stat st;
	bool get = !strcmp(method, "GET") || !strcmp(method, "HEAD");
	int fd = get ? file_of(w, url, &st) : -1;
	char *text = get ? none : wrong;
	struct MHD_Response *r = fd >= 0 ? w->from_fd((size_t)st.st_size, fd)
					 : w->from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT);
	if (!r) {
		fd_close(fd);
		return MHD_NO;
	}
	w->add_header(r, "Content-Type", fd >= 0 ? type_of(strcmp(url, "/") ? url : ".html") : "text/plain");
	w->add_header(r, "X-Content-Type-Options", "nosniff");
	w->add_header(r, "Cache-Control", "no-cache");
	enum MHD_Result ok = w->queue(c,
				      fd >= 0 ? MHD_HTTP_OK
				      : get   ? MHD_HTTP_NOT_FOUND
					      : MHD_HTTP_METHOD_NOT_ALLOWED,
				      r);
	w->destroy(r);
	return ok;
}

static int listen_at(int *port, struct err *e)
{
	int on = 1, first = *port ? *port : PORT_FIRST, last = *port ? *port : PORT_LAST;
	for (int p = first; p <= last; p++) {
		struct sockaddr_in sa = {.sin_family = AF_INET,
					 .sin_port = htons((uint16_t)p),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0)
			return err_sys(e, errno, "cannot make a socket");
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, CONNECTIONS_MAX) == 0) {
			*port = p;
			return TAKE_FD(fd);
		}
		if (errno != EADDRINUSE)
			return err_sys(e, errno, "cannot listen on 127.0.0.1 port %d", p);
	}
	return err_set(e, EADDRINUSE,
		       first == last ? "port %d of 127.0.0.1 is taken: name another, or none"
				     : "no port from %d to %d is free on 127.0.0.1",
		       first, last);
}

struct webfiles *webfiles_start(const char *folder, int *port, struct err *e)
{
	struct webfiles *w = x_calloc(1, sizeof(*w));
	w->root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = w->root < 0 ? err_sys(e, errno, "cannot open the folder '%s'", folder) : load(w, e);
	int fd = rc ? rc : listen_at(port, e);
	if (fd >= 0) {
		w->daemon = w->start(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, answer, w,
				     MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				     CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_END);
		if (!w->daemon) {
			fd_close(fd);
			err_set(e, EIO, "libmicrohttpd does not start");
		}
	}
	if (w->daemon)
		return w;
	webfiles_stop(w);
	return NULL;
}

void webfiles_stop(struct webfiles *w)
{
	if (!w)
		return;
	if (w->daemon)
		w->stop(w->daemon);
	if (w->lib)
		dlclose(w->lib);
	fd_close(w->root);
	free(w);
}
