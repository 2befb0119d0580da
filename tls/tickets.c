/*
 * Session ticket keys for the whole process (RFC 5077: AES-256-CBC, then
 * HMAC-SHA256).  Three slots in a ring: the one that seals, the one before it
 * that still opens, and the one that will be written next.  A turn writes the
 * third and then moves `current', so handshakes in other threads read only
 * slots nobody writes, without a lock: the slot written next fell out of use
 * a whole period ago.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tls/tickets.h"

#include "base/mem.h"

#define SLOTS 3

/* What libssl gives its callback to fill, in its order. */
enum { NAME_BYTES = 16, AES_BYTES = 32, MAC_BYTES = 32 };

struct ticket_key {
	unsigned char name[NAME_BYTES];
	unsigned char aes[AES_BYTES];
	unsigned char mac[MAC_BYTES];
};

struct tls_tickets {
	struct ticket_key keys[SLOTS];
	atomic_uint current; /* slot; any thread reads */
	uint64_t made; /* the current key; control */
	EVP_CIPHER *cipher; /* fetched once: that locks */
};

static int ticket_key(SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *,
    EVP_MAC_CTX *, int);
static int seal(struct tls_tickets *, unsigned char *, unsigned char *,
    EVP_CIPHER_CTX *, EVP_MAC_CTX *);
static int unseal(struct tls_tickets *, SSL *, const unsigned char *,
    const unsigned char *, EVP_CIPHER_CTX *, EVP_MAC_CTX *);
static bool mac_init(EVP_MAC_CTX *, const struct ticket_key *);
static bool key_make(struct ticket_key *);

/* Every slot gets a key: none is ever all zero and so known to everybody. */
struct tls_tickets *
tls_tickets_new(uint64_t now)
{
	struct tls_tickets *t = xcalloc(1, sizeof(*t));
	bool made = true;

	for (unsigned i = 0; i < SLOTS; i++)
		made = made && key_make(&t->keys[i]);
	t->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	t->made = now;
	if (made && t->cipher != NULL)
		return t;
	tls_tickets_free(t);
	return NULL;
}

void
tls_tickets_free(struct tls_tickets *t)
{
	if (t == NULL)
		return;
	EVP_CIPHER_free(t->cipher);
	OPENSSL_cleanse(t->keys, sizeof(t->keys));
	free(t);
}

bool
tls_tickets_turn(struct tls_tickets *t, uint64_t now)
{
	unsigned next =
	    (atomic_load_explicit(&t->current, memory_order_relaxed) + 1) %
	    SLOTS;

	if (now < t->made + TLS_TICKETS_PERIOD_NS || !key_make(&t->keys[next]))
		return false;
	t->made = now;
	atomic_store_explicit(&t->current, next, memory_order_release);
	return true;
}

void
tls_tickets_serve(struct tls_tickets *t, SSL_CTX *ctx)
{
	SSL_CTX_set_app_data(ctx, t);
	SSL_CTX_set_timeout(ctx, TLS_TICKET_LIFE_S);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key);
}

/* libssl's callback: -1 error, 0 no ticket, 1 go on, 2 go on and renew. */
static int
ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
	struct tls_tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (sealing)
		return seal(t, name, iv, cipher, mac);
	return unseal(t, ssl, name, iv, cipher, mac);
}

static int
seal(struct tls_tickets *t, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	const struct ticket_key *key =
	    &t->keys[atomic_load_explicit(&t->current, memory_order_acquire)];
	int iv_bytes = EVP_CIPHER_get_iv_length(t->cipher);

	memcpy(name, key->name, NAME_BYTES);
	if (RAND_bytes(iv, iv_bytes) != 1 || !mac_init(mac, key) ||
	    EVP_EncryptInit_ex2(cipher, t->cipher, key->aes, iv, NULL) != 1)
		return -1;
	return 1;
}

/*
 * TLS 1.3 clients use a ticket once (RFC 8446 C.4): they always get another.
 * So does one whose ticket was sealed with the key before this one.
 */
static int
unseal(struct tls_tickets *t, SSL *ssl, const unsigned char *name,
    const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	unsigned current =
	    atomic_load_explicit(&t->current, memory_order_acquire);
	unsigned before = (current + SLOTS - 1) % SLOTS;
	bool old = memcmp(name, t->keys[current].name, NAME_BYTES) != 0;
	const struct ticket_key *key = &t->keys[old ? before : current];

	if (memcmp(name, key->name, NAME_BYTES) != 0)
		return 0;
	if (!mac_init(mac, key) ||
	    EVP_DecryptInit_ex2(cipher, t->cipher, key->aes, iv, NULL) != 1)
		return -1;
	return old || SSL_version(ssl) == TLS1_3_VERSION ? 2 : 1;
}

static bool
mac_init(EVP_MAC_CTX *mac, const struct ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
				    OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end() };

	return EVP_MAC_init(mac, key->mac, MAC_BYTES, params) == 1;
}

static bool
key_make(struct ticket_key *key)
{
	return RAND_bytes(key->name, sizeof(key->name)) == 1 &&
	    RAND_priv_bytes(key->aes, sizeof(key->aes)) == 1 &&
	    RAND_priv_bytes(key->mac, sizeof(key->mac)) == 1;
}
