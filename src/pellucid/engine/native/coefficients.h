/* Minimax polynomials and constants of mathematics.h, constant term first. Written by coefficients.py: change
   that. Behind each polynomial stands its greatest error, relative to the final result. */

static const float log_2_f32[] = {0x1.62e4300000000p-1f, -0x1.05c6100000000p-29f};
static const float two_pi_f32[] = {0x1.921fb60000000p+2f, -0x1.777a5c0000000p-23f};
static const float density_0_f32[] = {0x1.9884540000000p-2f, -0x1.8579360000000p-27f};
static const float log2_e_f32[] = {0x1.7154760000000p+0f};

/* (exp r - 1 - r) / r^2 for |r| <= log(2)/2; 2^-31.97 */
static const float exp_terms_f32[] = {
    0x1.0000000000000p-1f,
    0x1.5555560000000p-3f,
    0x1.5554ae0000000p-5f,
    0x1.11108e0000000p-7f,
    0x1.6d75240000000p-10f,
    0x1.a1a2740000000p-13f,
};

/* (2 atanh(s) / s - 2) / s^2 in s^2, for s = f / (2 + f), sqrt(1/2) <= 1 + f <= sqrt(2); 2^-30.19 */
static const float log_terms_f32[] = {
    0x1.55557a0000000p-1f,
    0x1.995e800000000p-2f,
    0x1.31e99a0000000p-2f,
};

/* (tanh(x) / x - 1) / x^2 in x^2, for |x| <= 5/8; 2^-32.64 */
static const float tanh_terms_f32[] = {
    -0x1.5555540000000p-2f,
    0x1.11106c0000000p-3f,
    -0x1.b9ef7c0000000p-5f,
    0x1.6394d60000000p-6f,
    -0x1.0c21360000000p-7f,
    0x1.197b4c0000000p-9f,
};

/* (cos(2 pi u) - 1) / u^2 in u^2, for |u| <= 1/8; 2^-34.12 */
static const float cos_terms_f32[] = {
    -0x1.3bd3cc0000000p+4f,
    0x1.03c1de0000000p+6f,
    -0x1.55c6640000000p+6f,
    0x1.d9f7c40000000p+5f,
};

/* (sin(2 pi u) / u - 2 pi) / u^2 in u^2, for |u| <= 1/8; 2^-37.51 */
static const float sin_terms_f32[] = {
    -0x1.4abbce0000000p+5f,
    0x1.466bbc0000000p+6f,
    -0x1.32cb240000000p+6f,
    0x1.4be6920000000p+5f,
};

/* (1 + a / 2) Phi(-a) exp(a^2/2) in t = 2 / (1 + a / 2) - 1, 0 <= a <= 14.5; 2^-30.46 */
static const float cdf_terms_f32[] = {
    0x1.5845dc0000000p-2f,
    0x1.535bb00000000p-3f,
    0x1.d7d0fc0000000p-7f,
    -0x1.2ccc7c0000000p-6f,
    -0x1.ecdd7e0000000p-13f,
    0x1.b8e6fc0000000p-9f,
    -0x1.feda820000000p-11f,
    -0x1.a2e7960000000p-12f,
    0x1.b00d380000000p-12f,
    -0x1.68fc1e0000000p-14f,
    -0x1.0669c40000000p-14f,
    0x1.737fb00000000p-15f,
    -0x1.1470960000000p-17f,
};

static const double log_2_f64[] = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
static const double two_pi_f64[] = {0x1.921fb54442d18p+2, 0x1.1a62633145c07p-52};
static const double density_0_f64[] = {0x1.9884533d43651p-2, -0x1.cbc0d30ebfd15p-56};
static const double log2_e_f64[] = {0x1.71547652b82fep+0};

/* (exp r - 1 - r) / r^2 for |r| <= log(2)/2; 2^-61.71 */
static const double exp_terms_f64[] = {
    0x1.0000000000000p-1,
    0x1.5555555555559p-3,
    0x1.555555555555ap-5,
    0x1.111111110f67fp-7,
    0x1.6c16c16c143d3p-10,
    0x1.a01a01affa7c2p-13,
    0x1.a01a01b0da2c2p-16,
    0x1.71ddf81818b7bp-19,
    0x1.27e4c5599e0ccp-22,
    0x1.af5f30082a327p-26,
    0x1.1f95ce0d91e75p-29,
};

/* (2 atanh(s) / s - 2) / s^2 in s^2, for s = f / (2 + f), sqrt(1/2) <= 1 + f <= sqrt(2); 2^-59.47 */
static const double log_terms_f64[] = {
    0x1.5555555555593p-1,
    0x1.999999997f8cfp-2,
    0x1.249249423c5efp-2,
    0x1.c71c51c7e56dbp-3,
    0x1.74664d2d3d45bp-3,
    0x1.39a0360fcf29fp-3,
    0x1.2f15746a91c1dp-3,
};

/* (tanh(x) / x - 1) / x^2 in x^2, for |x| <= 5/8; 2^-61.31 */
static const double tanh_terms_f64[] = {
    -0x1.5555555555552p-2,
    0x1.1111111110c38p-3,
    -0x1.ba1ba1b9d10e9p-5,
    0x1.664f4870bfe70p-6,
    -0x1.226e32d11bee4p-7,
    0x1.d6d35aa406a10p-9,
    -0x1.7d9c3a138c5e3p-10,
    0x1.350bcc90c4c17p-11,
    -0x1.f1169a66e393dp-13,
    0x1.8027e68c60a16p-14,
    -0x1.faf99be82b18ep-16,
    0x1.9663caf982834p-18,
};

/* (cos(2 pi u) - 1) / u^2 in u^2, for |u| <= 1/8; 2^-64.73 */
static const double cos_terms_f64[] = {
    -0x1.3bd3cc9be45dep+4,
    0x1.03c1f081b5ab0p+6,
    -0x1.55d3c7e3c95bcp+6,
    0x1.e1f50683b4269p+5,
    -0x1.a6d1ecb737c51p+4,
    0x1.f9cc6ac7327abp+2,
    -0x1.b26fe5417d0b3p+0,
};

/* (sin(2 pi u) / u - 2 pi) / u^2 in u^2, for |u| <= 1/8; 2^-57.95 */
static const double sin_terms_f64[] = {
    -0x1.4abbce625be47p+5,
    0x1.466bc67758d85p+6,
    -0x1.32d2cce33333cp+6,
    0x1.5078301b63bfcp+5,
    -0x1.e300a6581170ap+3,
    0x1.e403cecef52bbp+1,
};

/* (1 + a / 4) Phi(-a) exp(a^2/2) in t = 2 / (1 + a / 4) - 1, 0 <= a <= 38.75; 2^-59.35 */
static const double cdf_terms_f64[] = {
    0x1.82b4bb8c94dcep-3,
    0x1.373e3a893c28ap-3,
    0x1.8c6dbf2cfc2b4p-4,
    0x1.7dff2bff68398p-5,
    0x1.eec4cc3e4d257p-7,
    0x1.ee2761047f9b4p-10,
    -0x1.c81719d54613ap-11,
    -0x1.ab825fc11363cp-12,
    0x1.17a4ae2f73880p-15,
    0x1.e4a425745533bp-15,
    -0x1.001e51b36b1aap-21,
    -0x1.26d099e372c65p-17,
    0x1.80b206c0601ddp-23,
    0x1.8d4b27dd859fdp-20,
    -0x1.51e5d0b227753p-23,
    -0x1.1236e3f81099fp-22,
    0x1.23420e9dbb360p-24,
    0x1.4cebec3e509aep-25,
    -0x1.6c3dc20221b7dp-26,
    -0x1.ce170c9e3abb2p-29,
    0x1.4aa137ed994fdp-28,
    -0x1.e4c43e686e727p-32,
    -0x1.4cc1858bfd138p-31,
    0x1.722071ddb68d4p-33,
};
