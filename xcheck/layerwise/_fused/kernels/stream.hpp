// A Jacobian of any width, written past the caches.

#pragma once

#include <cstdint>
#include <cstring>
#ifdef __AVX__
#include <immintrin.h>
#endif

// What a linear layer owes to a Jacobian: rows of `left`, (n, c, out), times `right`, (n, in); and `left` if it has a bias.
struct Outer {
    const void *left, *right;
    int64_t in, out, bias;
};

namespace {

// A matrix too large for any cache, written once from its first entry to its last: whole lines go past the caches, which
// would read them first. `room(count)` is where the next entries are to be made.
template <class T> class Stream {
    static constexpr int64_t LINE = 64 / sizeof(T), MOST = 128 * LINE;
    alignas(64) T buffer[MOST];
    T *line;  // of the result, where the buffer belongs
    int64_t first, filled;

  public:
    static constexpr int64_t ROOM = MOST / 2;
    explicit Stream(T *result) {
        first = filled = reinterpret_cast<uintptr_t>(result) % 64 / sizeof(T);
        line = result - first;
    }
    T *room(int64_t count) {
        if (filled + count > MOST) write();
        filled += count;
        return buffer + filled - count;
    }
    void write() {
        int64_t done = 0;
        if (first) {  // what lies before the result is not ours
            std::memcpy(line + first, buffer + first, (LINE - first) * sizeof(T));
            done = LINE;
            first = 0;
        }
        for (; done + LINE <= filled; done += LINE) whole(line + done, buffer + done);
        std::memmove(buffer, buffer + done, (filled - done) * sizeof(T));
        line += done;
        filled -= done;
    }
    static void whole(T *to, const T *from) {
#ifdef __AVX__
        for (int64_t k = 0; k < 2; k++)
            _mm256_stream_si256(reinterpret_cast<__m256i *>(to) + k,
                                _mm256_load_si256(reinterpret_cast<const __m256i *>(from) + k));
#else
        std::memcpy(to, from, 64);
#endif
    }
    ~Stream() {
        if (filled >= LINE) write();
        std::memcpy(line + first, buffer + first, (filled - first) * sizeof(T));
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
            for (int64_t o = 0; o < layer.out + layer.bias; o++) {
                const T *from = o < layer.out ? right : left, factor = o < layer.out ? left[o] : 1;
                int64_t length = o < layer.out ? layer.in : layer.out;
                for (int64_t i = 0; i < length; i += Stream<T>::ROOM) {
                    int64_t many = length - i < Stream<T>::ROOM ? length - i : Stream<T>::ROOM;
                    T *__restrict to = stream.room(many);
                    if (factor == 0)  // an output that does not see the layer's: 0, whatever the input
                        std::memset(to, 0, many * sizeof(T));
                    else
                        for (int64_t k = 0; k < many; k++) to[k] = factor * from[i + k];
                }
            }
        }
}

}  // namespace
