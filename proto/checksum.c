/* How it works.  The checksum is a sum modulo 2^16 - 1, and 2^32 is 1 modulo
 * that.  So words of 32 bits may be added instead of words of 16, in whatever
 * byte order the machine has, and added into 64-bit accumulators no carry is
 * ever lost.  Both the scalar and the AVX2 form split each 64-bit word into its
 * halves and keep several accumulators, to be bound by loads and not by the
 * latency of an addition. */
#include "checksum.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static uint64_t csum_fold_carries(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

uint64_t csum_add_scalar(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t low = 0, high = 0;

	for (; len >= 16; len -= 16, p += 16) {
		uint64_t v[2];
		memcpy(v, p, sizeof(v));
		low += (uint32_t)v[0];
		high += v[0] >> 32;
		low += (uint32_t)v[1];
		high += v[1] >> 32;
	}
	for (; len >= 4; len -= 4, p += 4) {
		uint32_t v;
		memcpy(&v, p, sizeof(v));
		low += v;
	}
	if (len) { /* a last word, padded with zero bytes behind */
		uint32_t v = 0;
		memcpy(&v, p, len);
		high += v;
	}
	return sum + low + high;
}

#if defined(__x86_64__)
enum { CSUM_VECTOR_MIN = 128 }; /* below that the set-up costs more than it saves */

__attribute__((target("avx2"))) static inline __m256i csum_load(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

__attribute__((target("avx2"))) static uint64_t csum_add_avx2(
	uint64_t sum, const uint8_t *p, size_t len)
{
	const __m256i mask = _mm256_set1_epi64x(0xffffffff);
	__m256i low0 = _mm256_setzero_si256(), high0 = low0, low1 = low0, high1 = low0;
	uint64_t lanes[4];

	for (; len >= 64; len -= 64, p += 64) {
		__m256i a = csum_load(p), b = csum_load(p + 32);
		low0 = _mm256_add_epi64(low0, _mm256_and_si256(a, mask));
		high0 = _mm256_add_epi64(high0, _mm256_srli_epi64(a, 32));
		low1 = _mm256_add_epi64(low1, _mm256_and_si256(b, mask));
		high1 = _mm256_add_epi64(high1, _mm256_srli_epi64(b, 32));
	}
	low0 = _mm256_add_epi64(low0, low1);
	high0 = _mm256_add_epi64(high0, high1);
	_mm256_storeu_si256((__m256i *)(void *)lanes, _mm256_add_epi64(low0, high0));
	sum += lanes[0] + lanes[1] + lanes[2] + lanes[3];
	return csum_add_scalar(sum, p, len);
}
#endif

uint64_t csum_add(uint64_t sum, const void *data, size_t len)
{
#if defined(__x86_64__)
	if (len >= CSUM_VECTOR_MIN && __builtin_cpu_supports("avx2"))
		return csum_add_avx2(sum, data, len);
#endif
	return csum_add_scalar(sum, data, len);
}

uint64_t csum_add_at(uint64_t sum, size_t ofs, const void *data, size_t len)
{
	uint64_t piece = csum_add(0, data, len);

	if (ofs & 1)
		piece = __builtin_bswap16((uint16_t)csum_fold_carries(piece));
	return sum + piece;
}

be16_t csum_fold(uint64_t sum)
{
	return (be16_t)~csum_fold_carries(sum);
}

uint64_t csum_pseudo4(const void *src, const void *dst, uint8_t proto, uint16_t len)
{
	uint64_t sum = (uint64_t)htobe16(proto) + htobe16(len);

	sum = csum_add_scalar(sum, src, 4);
	return csum_add_scalar(sum, dst, 4);
}

uint64_t csum_pseudo6(const void *src, const void *dst, uint8_t proto, uint32_t len)
{
	uint64_t sum = (uint64_t)htobe32(proto) + htobe32(len);

	sum = csum_add_scalar(sum, src, 16);
	return csum_add_scalar(sum, dst, 16);
}
