// Vectors of examples, rows of them, and the functions that bend them.

#pragma once

#include <cstdint>
#include <cstring>
#ifdef __AVX__
#include <immintrin.h>
#endif

namespace {

constexpr int WIDE = 8;  // vectors in a row: as many accumulators as a product can keep in registers

template <class T> struct Lanes;
template <> struct Lanes<float> {
    typedef float V __attribute__((vector_size(32)));
    typedef int32_t I __attribute__((vector_size(32)));
    static constexpr int mantissa = 23, bias = 127, terms = 8;
    static constexpr float high = 0.693359375f, low = -2.12194440e-4f, most = 88;
};
template <> struct Lanes<double> {
    typedef double V __attribute__((vector_size(32)));
    typedef int64_t I __attribute__((vector_size(32)));
    static constexpr int mantissa = 52, bias = 1023, terms = 14;
    static constexpr double high = 6.93145751953125e-1, low = 1.42860682030941723212e-6, most = 709;
};

template <class T> using V = typename Lanes<T>::V;
template <class T> constexpr int COUNT = sizeof(V<T>) / sizeof(T);
template <class T> constexpr int STRIP = WIDE * COUNT<T>;
template <class T> struct Row { V<T> v[WIDE]; };

#define EACH for (int w = 0; w < WIDE; w++)

// A vector from, or to, any place.
template <class T> V<T> get(const T *from) {
    V<T> v;
    std::memcpy(&v, from, sizeof v);
    return v;
}
template <class T> void set(T *to, V<T> v) { std::memcpy(to, &v, sizeof v); }

template <class T> T sum(const V<T> &v) {
    T total = 0;
    for (int k = 0; k < COUNT<T>; k++) total += v[k];
    return total;
}

// e^x - 1 = 2^k (e^r - 1) + (2^k - 1) for 0 <= x: no cancellation; r = x - k log 2 by Cody and Waite (1980).
template <class T> V<T> expm1(V<T> x) {
    using L = Lanes<T>;
    using I = typename L::I;
    x = x > L::most ? V<T>{} + L::most : x;  // and NaN stays
    const T shift = T(3) * (int64_t(1) << (L::mantissa - 1));  // added to a number, it rounds it to an integer
    V<T> k = (x * T(1.44269504088896340736) + shift) - shift;
    V<T> r = (x - k * L::high) - k * L::low, p = {};
    for (int j = L::terms; j > 1; j--) p = (p + 1) * (r * (T(1) / j));  // a division takes five times as long
    p = (p + 1) * r;
    I exponent = (__builtin_convertvector(k, I) + L::bias) << L::mantissa;
    V<T> power;
    std::memcpy(&power, &exponent, sizeof power);
    return power * p + (power - 1);
}

enum Bend : int64_t { NONE, TANH, SIGMOID, RELU, SILU };

// a = s(z), s'(z) and s''(z).
template <class T> void bend(int64_t kind, V<T> z, V<T> &a, V<T> &slope, V<T> &second) {
    V<T> zero = {};
    if (kind == TANH) {
        V<T> e = expm1<T>(2 * (z < 0 ? -z : z)), y = e / (e + 2);
        a = z < 0 ? -y : y;
        slope = 1 - a * a;
        second = -2 * a * slope;
    } else if (kind == RELU) {
        slope = z > 0 ? zero + 1 : zero;
        a = z < 0 ? zero : z;
        second = zero;
    } else {
        V<T> size = z < 0 ? -z : z, e = expm1<T>(size) + 1, large = e / (1 + e);
        V<T> small = 1 / (1 + e);
        bool far = false;
        for (int k = 0; k < COUNT<T>; k++) far |= size[k] > Lanes<T>::most;
        if (far) {  // expm1 no longer grows, but e^-x is a number still, if a subnormal one
            V<T> half = 1 / (expm1<T>(size / 2) + 1);
            small = size > Lanes<T>::most ? half * half : small;
        }
        V<T> up = z < 0 ? small : large, down = z < 0 ? large : small;
        if (kind == SIGMOID) {
            a = up;
            slope = up * down;
            second = (down - up) * slope;
        } else {
            a = z * up;
            slope = up * (1 + z * down);
            second = up * down * (2 + z * (down - up));
        }
    }
}

}  // namespace
