/* TLS of a screen before clients of GnuTLS: which versions are spoken, whose certificates let in, and what a
 * client may ask for afterwards. Both ends are in this thread; nothing waits. */
#include <check.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "backend/screen/tls.h"
#include "src/base/cleanup.h"
#include "src/base/unixsock.h"
#include "tests/testlib.h"

#define STEPS 200

/* --- certificates --- */

struct signer {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t cert;
};

static struct signer certificate(const char *name, const struct signer *by, const char *purpose, int days)
{
	struct signer s;
	time_t now = time(NULL);
	uint8_t serial[4] = {1, 2, 3, 4};
	gnutls_x509_privkey_init(&s.key);
	ck_assert_int_eq(gnutls_x509_privkey_generate(s.key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
			 0);
	gnutls_x509_crt_init(&s.cert);
	gnutls_x509_crt_set_version(s.cert, 3);
	gnutls_x509_crt_set_key(s.cert, s.key);
	gnutls_x509_crt_set_serial(s.cert, serial, sizeof(serial));
	gnutls_x509_crt_set_activation_time(s.cert, now - 90000);
	gnutls_x509_crt_set_expiration_time(s.cert, now + days * 86400);
	gnutls_x509_crt_set_dn_by_oid(s.cert, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
	gnutls_x509_crt_set_basic_constraints(s.cert, !by, -1);
	if (purpose)
		gnutls_x509_crt_set_key_purpose_oid(s.cert, purpose, 0);
	ck_assert_int_eq(gnutls_x509_crt_sign2(s.cert, by ? by->cert : s.cert, by ? by->key : s.key, GNUTLS_DIG_SHA256, 0),
			 0);
	return s;
}

static int file_of(gnutls_datum_t d)
{
	int fd = memfd_create("pem", MFD_CLOEXEC);
	ck_assert_int_eq(write(fd, d.data, d.size), (ssize_t)d.size);
	gnutls_free(d.data);
	return fd;
}

static int cert_file(const struct signer *s)
{
	gnutls_datum_t d;
	gnutls_x509_crt_export2(s->cert, GNUTLS_X509_FMT_PEM, &d);
	return file_of(d);
}

static int key_file(const struct signer *s)
{
	gnutls_datum_t d;
	gnutls_x509_privkey_export2(s->key, GNUTLS_X509_FMT_PEM, &d);
	return file_of(d);
}

/* --- both ends --- */

struct ends {
	struct tls_cred *cred;
	struct tls *server;
	gnutls_session_t client;
	gnutls_certificate_credentials_t shown;
	int fd[2];
};

/* @verify: viewers are asked for a certificate of @ca. @show: the client's, or NULL. */
static void begin(struct ends *t, const struct signer *ca, bool verify, const struct signer *show, const char *versions)
{
	struct err e = {0};
	char priority[128];
	struct signer server = certificate("screen", ca, NULL, 10);
	int files[] = {cert_file(ca), cert_file(&server), key_file(&server)};
	ck_assert_msg(!tls_cred_x509(&t->cred, files[0], files[1], files[2], verify, &e), "%s", e.msg);
	ck_assert_int_eq(unixsock_pair(SOCK_STREAM | SOCK_NONBLOCK, t->fd), 0);
	t->server = tls_new(t->cred, t->fd[0]);
	ck_assert_ptr_nonnull(t->server);
	gnutls_init(&t->client, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	snprintf(priority, sizeof(priority), "NORMAL:-VERS-ALL:%s", versions);
	ck_assert_int_eq(gnutls_priority_set_direct(t->client, priority, NULL), 0);
	gnutls_certificate_allocate_credentials(&t->shown);
	if (show)
		ck_assert_int_eq(gnutls_certificate_set_x509_key(t->shown, (gnutls_x509_crt_t *)(uintptr_t)&show->cert, 1, show->key),
				 0);
	gnutls_credentials_set(t->client, GNUTLS_CRD_CERTIFICATE, t->shown);
	gnutls_transport_set_int(t->client, t->fd[1]);
	for (int i = 0; i < 3; i++)
		close(files[i]);
}

static void finish(struct ends *t)
{
	gnutls_deinit(t->client);
	tls_free(t->server);
	tls_cred_put(t->cred);
	gnutls_certificate_free_credentials(t->shown);
	close(t->fd[0]);
	close(t->fd[1]);
}

/* What the server's end says of the handshake. */
static int shake(struct ends *t)
{
	int rc = -EAGAIN, client = GNUTLS_E_AGAIN;
	for (int i = 0; i < STEPS && rc == -EAGAIN; i++) {
		if (client < 0 && !gnutls_error_is_fatal(client))
			client = gnutls_handshake(t->client);
		rc = tls_handshake(t->server);
	}
	return rc;
}

static const struct {
	const char *versions;
	bool spoken;
} versions[] = {{"+VERS-TLS1.3", true}, {"+VERS-TLS1.2", true}, {"+VERS-TLS1.1", false}, {"+VERS-TLS1.0", false}};

START_TEST(only_versions_that_are_good_are_spoken)
{
	struct ends t;
	struct signer ca = certificate("authority", NULL, NULL, 10);
	begin(&t, &ca, false, NULL, versions[_i].versions);
	ck_assert_msg((shake(&t) == 0) == versions[_i].spoken, "%s", versions[_i].versions);
	finish(&t);
}
END_TEST

enum { NONE, SIGNED, FOR_CLIENTS, FOR_SERVERS, EXPIRED, STRANGER, ITS_OWN };
static const struct {
	const char *what;
	int show;
	bool in;
} shown[] = {
    {"none", NONE, false},
    {"one of the authority", SIGNED, true},
    {"one of it for clients", FOR_CLIENTS, true},
    {"one of it for servers only", FOR_SERVERS, false},
    {"one of it that is expired", EXPIRED, false},
    {"one of another authority of that name", STRANGER, false},
    {"one that nobody signed", ITS_OWN, false},
};

/* By both versions: they ask at different times. */
START_TEST(who_must_show_a_certificate_gets_in_by_a_good_one_only)
{
	const char *version = _i & 1 ? "+VERS-TLS1.2" : "+VERS-TLS1.3", *what = shown[_i / 2].what;
	int kind = shown[_i / 2].show;
	struct ends t;
	struct signer ca = certificate("authority", NULL, NULL, 10), other = certificate("authority", NULL, NULL, 10);
	const char *purpose = kind == FOR_CLIENTS   ? GNUTLS_KP_TLS_WWW_CLIENT
			      : kind == FOR_SERVERS ? GNUTLS_KP_TLS_WWW_SERVER
						    : NULL;
	const struct signer *by = kind == STRANGER ? &other : kind == ITS_OWN ? NULL : &ca;
	struct signer viewer = certificate("viewer", by, purpose, kind == EXPIRED ? -1 : 10);
	begin(&t, &ca, true, kind == NONE ? NULL : &viewer, version);
	ck_assert_msg((shake(&t) == 0) == shown[_i / 2].in, "%s, %s", what, version);
	finish(&t);
	begin(&t, &ca, false, kind == NONE ? NULL : &viewer, version);
	ck_assert_msg(shake(&t) == 0, "%s, %s, where none is asked for", what, version);
	finish(&t);
}
END_TEST

START_TEST(certificates_are_not_verified_without_an_authority)
{
	struct tls_cred *c = NULL;
	struct err e = {0};
	struct signer s = certificate("screen", NULL, NULL, 10);
	AUTO_CLOSE int cert = cert_file(&s), key = key_file(&s);
	ck_assert_int_eq(tls_cred_x509(&c, -1, cert, key, true, &e), -EINVAL);
	ck_assert(e.msg[0] && !c);
}
END_TEST

/* A client that begins again and again has the server sign each time. */
START_TEST(a_handshake_is_not_begun_again)
{
	struct ends t;
	char p[64];
	ssize_t k = -EAGAIN;
	struct signer ca = certificate("authority", NULL, NULL, 10);
	begin(&t, &ca, false, NULL, "+VERS-TLS1.2");
	ck_assert_int_eq(shake(&t), 0);
	int client = gnutls_handshake(t.client);
	for (int i = 0; i < STEPS && client == GNUTLS_E_AGAIN; i++)
		client = gnutls_handshake(t.client);
	ck_assert_int_eq(client, 0);
	ck_assert_int_eq(gnutls_record_send(t.client, "hi", 2), 2);
	ck_assert_int_eq(tls_recv(t.server, p, sizeof(p)), 2);
	gnutls_handshake(t.client); /* a ClientHello */
	for (int i = 0; i < STEPS && k == -EAGAIN; i++)
		k = tls_recv(t.server, p, sizeof(p));
	ck_assert_int_eq(k, -EPROTO);
	finish(&t);
}
END_TEST

/* Nor are keys changed without end. */
START_TEST(keys_are_not_changed_without_end)
{
	struct ends t;
	char p[64];
	ssize_t k = -EAGAIN;
	struct signer ca = certificate("authority", NULL, NULL, 10);
	begin(&t, &ca, false, NULL, "+VERS-TLS1.3");
	ck_assert_int_eq(shake(&t), 0);
	for (int i = 0; i < STEPS && k == -EAGAIN; i++) {
		gnutls_session_key_update(t.client, 0);
		k = tls_recv(t.server, p, sizeof(p));
	}
	ck_assert_int_eq(k, -EPROTO);
	finish(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("screen_tls");
	TCase *t = tcase_create("tls");
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, only_versions_that_are_good_are_spoken, 0, ARRAY_SIZE(versions));
	tcase_add_loop_test(t, who_must_show_a_certificate_gets_in_by_a_good_one_only, 0, 2 * ARRAY_SIZE(shown));
	tcase_add_test(t, certificates_are_not_verified_without_an_authority);
	tcase_add_test(t, a_handshake_is_not_begun_again);
	tcase_add_test(t, keys_are_not_changed_without_end);
	suite_add_tcase(s, t);
	return test_main(s);
}
