// A Jacobian of any width, written past the caches.

#pragma once

#include "lanes.hpp"


// What a linear layer owes to a Jacobian: rows of `left`, (n, c, out), times `right`, (n, in); and `left` if it has a bias.
struct Outer {
    const void *left, *right;
    int64_t in, out, bias;
};

namespace {

// A matrix too large for any cache, written once from its first entry to its last: whole lines go past the caches, which
// would read them first, and from registers, as a second store for each entry would wait for the first.
template <class T> class Stream {
    static constexpr int64_t LINE = 64 / sizeof(T), PARTS = LINE / COUNT<T>;
    alignas(64) T line[LINE];  // the one that is not full yet
    T *at;                     // where it belongs
    int64_t first, filled;

    void full() {
        if (first) {  // what lies before the result is not ours
            std::memcpy(at + first, line + first, (LINE - first) * sizeof(T));
        } else {
            for (int k = 0; k < PARTS; k++) past(at + k * COUNT<T>, get(line + k * COUNT<T>));
        }
        at += LINE;
        first = filled = 0;
    }
    static void past(T *to, V<T> part) {
#ifdef __AVX__
        _mm256_stream_si256(reinterpret_cast<__m256i *>(to), reinterpret_cast<__m256i &>(part));
#else
        set(to, part);
#endif
    }

  public:
    explicit Stream(T *result) {
        first = filled = reinterpret_cast<uintptr_t>(result) % 64 / sizeof(T);
        at = result - first;
    }
    // The next entries: `factor` times `from`, but 0 where the factor is, whatever stands there.
    void put(T factor, const T *from, int64_t count) {
        int64_t i = 0;
        while (i < count) {
            if (!filled)
                for (; i + LINE <= count; i += LINE, at += LINE)
                    for (int k = 0; k < PARTS; k++) {
                        V<T> part = factor == 0 ? V<T>{} : get(from + i + k * COUNT<T>);
                        past(at + k * COUNT<T>, factor * part);
                    }
            for (; i < count && filled < LINE; i++) line[filled++] = factor == 0 ? T(0) : factor * from[i];
            if (filled == LINE) full();
        }
    }
    ~Stream() {
        std::memcpy(at + first, line + first, (filled - first) * sizeof(T));
#ifdef __AVX__
        _mm_sfence();
#endif
    }
};

// J, (n, c, p), row by row.
template <class T> void jacobian(const Outer *layers, int64_t count, int64_t n, int64_t c, T *result) {
    Stream<T> stream(result);
    for (int64_t row = 0; row < n * c; row++)
        for (int64_t l = 0; l < count; l++) {
            const Outer &layer = layers[l];
            const T *left = static_cast<const T *>(layer.left) + row * layer.out;
            const T *right = static_cast<const T *>(layer.right) + row / c * layer.in;
            for (int64_t o = 0; o < layer.out; o++) stream.put(left[o], right, layer.in);
            if (layer.bias) stream.put(1, left, layer.out);
        }
}

}  // namespace
