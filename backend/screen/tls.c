#include "backend/screen/tls.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"

#define PEM_MAX (1u << 20)
#define RECORD_MAX 16384

struct tls_cred {
	atomic_uint refs;
	bool x509, verify;
	gnutls_certificate_credentials_t cert;
	gnutls_anon_server_credentials_t anon;
};

struct tls {
	gnutls_session_t session;
	struct tls_cred *cred;
	bool resume; /* gnutls holds a record that did not fit into the socket */
};

int tls_cred_anonymous(struct tls_cred **out, struct err *e)
{
	struct tls_cred *c = x_calloc(1, sizeof(*c));
	c->refs = 1;
	if (gnutls_anon_allocate_server_credentials(&c->anon) < 0 ||
	    gnutls_anon_set_server_known_dh_params(c->anon, GNUTLS_SEC_PARAM_MEDIUM) < 0) {
		tls_cred_put(c);
		return err_set(e, ENOMEM, "no memory for TLS");
	}
	*out = c;
	return 0;
}

static int read_pem(int fd, gnutls_datum_t *d, const char *what, struct err *e)
{
	char *text = NULL;
	size_t len = 0;
	int rc = file_read_fd(fd, PEM_MAX, &text, &len);
	if (rc)
		return err_sys(e, -rc, "cannot read the %s for TLS", what);
	*d = (gnutls_datum_t){.data = (unsigned char *)text, .size = (unsigned)len};
	return 0;
}

static int load(struct tls_cred *c, int ca, int cert, int key, struct err *e)
{
	AUTO_FREE unsigned char *ca_text = NULL, *cert_text = NULL, *key_text = NULL;
	gnutls_datum_t dca = {0}, dcert = {0}, dkey = {0};
	int rc = ca >= 0 ? read_pem(ca, &dca, "CA certificate", e) : 0;
	ca_text = dca.data;
	rc = rc ? rc : read_pem(cert, &dcert, "certificate", e);
	cert_text = dcert.data;
	rc = rc ? rc : read_pem(key, &dkey, "private key", e);
	key_text = dkey.data;
	if (rc)
		return rc;
	rc = gnutls_certificate_set_x509_key_mem(c->cert, &dcert, &dkey, GNUTLS_X509_FMT_PEM);
	if (rc < 0)
		return err_set(e, EINVAL, "certificate and key for TLS: %s", gnutls_strerror(rc));
	rc = ca >= 0 ? gnutls_certificate_set_x509_trust_mem(c->cert, &dca, GNUTLS_X509_FMT_PEM) : 0;
	if (rc < 0)
		return err_set(e, EINVAL, "CA certificate for TLS: %s", gnutls_strerror(rc));
	gnutls_memset(key_text, 0, dkey.size);
	return 0;
}

int tls_cred_x509(struct tls_cred **out, int ca, int cert, int key, bool verify, struct err *e)
{
	if (verify && ca < 0)
		return err_set(e, EINVAL, "viewers' certificates cannot be verified without a CA certificate");
	struct tls_cred *c = x_calloc(1, sizeof(*c));
	c->refs = 1;
	c->x509 = true;
	c->verify = verify;
	int rc = gnutls_certificate_allocate_credentials(&c->cert) < 0
		     ? err_set(e, ENOMEM, "no memory for TLS")
		     : load(c, ca, cert, key, e);
	if (rc) {
		tls_cred_put(c);
		return rc;
	}
	gnutls_certificate_set_known_dh_params(c->cert, GNUTLS_SEC_PARAM_MEDIUM);
	*out = c;
	return 0;
}

struct tls_cred *tls_cred_get(struct tls_cred *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

void tls_cred_put(struct tls_cred *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	if (c->cert)
		gnutls_certificate_free_credentials(c->cert);
	if (c->anon)
		gnutls_anon_free_server_credentials(c->anon);
	free(c);
}

bool tls_cred_has_certificate(const struct tls_cred *c)
{
	return c && c->x509;
}

/* As libvirt's vnc_tls_x509_verify has it: signed by the CA, not expired, and for clients if it says for what.
 */
static void ask_for_certificate(struct tls *t)
{
	static gnutls_typed_vdata_st purpose = {
	    .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT, .size = 0};
	gnutls_certificate_server_set_request(t->session, GNUTLS_CERT_REQUIRE);
	gnutls_session_set_verify_cert2(t->session, &purpose, 1, 0);
}

struct tls *tls_new(struct tls_cred *c, int fd)
{
	/* What RFC 8996 leaves; TLS 1.3 has no anonymous key exchange. */
	const char *priority = c->x509 ? "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
				       : "NORMAL:-VERS-ALL:+VERS-TLS1.2:+ANON-ECDH:+ANON-DH";
	struct tls *t = x_calloc(1, sizeof(*t));
	if (gnutls_init(&t->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
		free(t);
		return NULL;
	}
	t->cred = tls_cred_get(c);
	int rc = gnutls_priority_set_direct(t->session, priority, NULL);
	if (rc >= 0 && c->x509)
		rc = gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, c->cert);
	else if (rc >= 0)
		rc = gnutls_credentials_set(t->session, GNUTLS_CRD_ANON, c->anon);
	if (rc < 0) {
		tls_free(t);
		return NULL;
	}
	if (c->verify)
		ask_for_certificate(t);
	gnutls_transport_set_int(t->session, fd);
	gnutls_handshake_set_timeout(t->session, 0); /* the relay has its own */
	return t;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	gnutls_deinit(t->session);
	tls_cred_put(t->cred);
	free(t);
}

int tls_handshake(struct tls *t)
{
	int rc = gnutls_handshake(t->session);
	if (rc == GNUTLS_E_SUCCESS)
		return 0;
	return rc < 0 && gnutls_error_is_fatal(rc) ? -EPROTO : -EAGAIN;
}

bool tls_wants_write(const struct tls *t)
{
	return gnutls_record_get_direction(t->session) == 1;
}

static ssize_t result(ssize_t k)
{
	if (k >= 0)
		return k;
	return k == GNUTLS_E_PREMATURE_TERMINATION ? 0 : gnutls_error_is_fatal((int)k) ? -EPROTO : -EAGAIN;
}

ssize_t tls_recv(struct tls *t, void *p, size_t n)
{
	ssize_t k = gnutls_record_recv(t->session, p, n);
	return k == GNUTLS_E_REHANDSHAKE ? -EPROTO : result(k);
}

ssize_t tls_send(struct tls *t, const void *p, size_t n)
{
	/* GnuTLS goes on with what it holds when it is given nothing. (gnutls_record_send) */
	n = n < RECORD_MAX ? n : RECORD_MAX;
	ssize_t k =
	    t->resume ? gnutls_record_send(t->session, NULL, 0) : gnutls_record_send(t->session, p, n);
	t->resume = k == GNUTLS_E_AGAIN || k == GNUTLS_E_INTERRUPTED;
	return result(k);
}

size_t tls_pending(const struct tls *t)
{
	return gnutls_record_check_pending(t->session);
}

void tls_random(void *p, size_t n)
{
	if (gnutls_rnd(GNUTLS_RND_NONCE, p, n) < 0)
		abort();
}

void tls_sha1(const void *p, size_t n, uint8_t out[20])
{
	if (gnutls_hash_fast(GNUTLS_DIG_SHA1, p, n, out) < 0)
		memset(out, 0, 20);
}
