// What stands between the matrix products of a wide network.

#pragma once

#include "lanes.hpp"

namespace {

// For wide networks, entry by entry; each array has two halves: (z, dz) becomes (a, da) = (s(z), s' dz) and (s', s'').
template <class T> void bends(int64_t kind, int64_t half, const T *z, T *a, T *slopes) {
    auto some = [&](int64_t first, size_t bytes) __attribute__((always_inline)) {
        V<T> in = {}, tangent = {}, out, slope, second;
        std::memcpy(&in, z + first, bytes);
        std::memcpy(&tangent, z + half + first, bytes);
        bend<T>(kind, in, out, slope, second);
        tangent *= slope;
        std::memcpy(a + first, &out, bytes);
        std::memcpy(a + half + first, &tangent, bytes);
        std::memcpy(slopes + first, &slope, bytes);
        std::memcpy(slopes + half + first, &second, bytes);
    };
    int64_t first = 0;
    for (; first + COUNT<T> <= half; first += COUNT<T>) some(first, sizeof(V<T>));  // of a known size, copies are moves
    if (first < half) some(first, (half - first) * sizeof(T));
}

// (dg, g) = (s' dg + s'' g dz, s' g).
template <class T> void unbends(int64_t half, const T *slopes, const T *z, T *both) {
    const T *slope = slopes, *second = slopes + half, *dz = z + half;
    T *__restrict dg = both, *__restrict g = both + half;
    for (int64_t i = 0; i < half; i++) {
        dg[i] = slope[i] * dg[i] + second[i] * g[i] * dz[i];
        g[i] *= slope[i];
    }
}

}  // namespace
