// The kernels as plain C functions, for floats and doubles.

#include "gram.hpp"
#include "pages.hpp"
#include "product.hpp"
#include "squares.hpp"
#include "stream.hpp"
#include "wide.hpp"

#define EXPORT(T, name)                                                                                                \
    extern "C" int64_t name##_tape(const Layer *layers, int64_t count, int64_t n) {                                    \
        return Network<T>(layers, count, n).rows * ((n + STRIP<T> - 1) / STRIP<T>) * int64_t(sizeof(Row<T>));          \
    }                                                                                                                  \
    extern "C" void name##_forward(const Layer *layers, int64_t count, int64_t n, const T *x, const T *v, int64_t curved, \
                                   T *f, T *df, void *tape) {                                                          \
        forward(Network<T>(layers, count, n), x, v, curved, f, df, static_cast<Row<T> *>(tape));                       \
    }                                                                                                                  \
    extern "C" void name##_product(const Layer *layers, int64_t count, int64_t n, const T *v, const T *g, const T *dg, \
                                   const void *tape, T *result) {                                                      \
        product(Network<T>(layers, count, n), v, g, dg, static_cast<const Row<T> *>(tape), result);                    \
    }                                                                                                                  \
    extern "C" void name##_squares(const Layer *layers, int64_t count, int64_t n, const T *C, int64_t h, const T *g,   \
                                   const void *tape, T *result) {                                                      \
        squares(Network<T>(layers, count, n), C, h, g, static_cast<const Row<T> *>(tape), result);                     \
    }                                                                                                                  \
    extern "C" void name##_gram(const Layer *layers, int64_t count, int64_t n, const T *C, int64_t h,                  \
                                const void *tape, T *result) {                                                         \
        gram(Network<T>(layers, count, n), C, h, static_cast<const Row<T> *>(tape), result);                           \
    }                                                                                                                  \
    extern "C" void name##_jacobian(const Outer *layers, int64_t count, int64_t n, int64_t c, T *result) {             \
        jacobian(layers, count, n, c, result);                                                                         \
    }                                                                                                                  \
    extern "C" void name##_pages(T *at, int64_t bytes) { pages(reinterpret_cast<char *>(at), bytes); }                 \
    extern "C" int64_t name##_wide_tape(const Layer *layers, int64_t count, int64_t n, int64_t curved) {               \
        return Wide<T>(layers, count, n, curved).size * int64_t(sizeof(T));                                            \
    }                                                                                                                  \
    extern "C" void name##_wide_forward(const Layer *layers, int64_t count, int64_t n, int64_t curved, const T *x,     \
                                        const T *v, T *f, void *tape) {                                                \
        wide_forward(Wide<T>(layers, count, n, curved), x, v, f, static_cast<T *>(tape));                              \
    }                                                                                                                  \
    extern "C" void name##_wide_product(const Layer *layers, int64_t count, int64_t n, int64_t curved, const T *x,     \
                                        const T *v, const T *g, const T *dg, double factor, void *tape,                \
                                        T *result) {                                                                   \
        wide_product(Wide<T>(layers, count, n, curved), x, v, g, dg, T(factor), static_cast<T *>(tape), result);       \
    }

EXPORT(float, float32)
EXPORT(double, float64)
