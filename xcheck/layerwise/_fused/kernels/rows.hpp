// Products with rows: one row holds a feature of a strip, which is WIDE vectors of examples.

#pragma once

#include "lanes.hpp"

namespace {

// rows = b, or 0.
template <class T> void start(const T *b, int64_t count, Row<T> *rows) {
    for (int64_t o = 0; o < count; o++) EACH rows[o].v[w] = V<T>{} + (b ? b[o] : T(0));
}

// z += W a; with the strides the other way round, back += W^T g.
template <class T>
void multiply(const T *W, int64_t in, int64_t out, int64_t by_out, int64_t by_in, const Row<T> *a, Row<T> *z) {
    for (int64_t o = 0; o < out; o++) {
        Row<T> total = z[o];
        for (int64_t i = 0; i < in; i++) EACH total.v[w] += W[o * by_out + i * by_in] * a[i].v[w];
        z[o] = total;
    }
}

// M += A B^T, summed over rows of `depth` Rows each; of a symmetric M only what lies on and above its diagonal.
template <class T>
void outer(const Row<T> *A, const Row<T> *B, int64_t rows, int64_t columns, T *M, int64_t depth = 1, bool upper = false) {
    constexpr int HIGH = 4, LONG = 2;  // eight accumulators, and few of B loaded for each
    for (int64_t i = 0; i < rows; i += HIGH)
        for (int64_t j = upper ? i / LONG * LONG : 0; j < columns; j += LONG) {
            const Row<T> *a[HIGH], *b[LONG];
            for (int r = 0; r < HIGH; r++) a[r] = A + (i + r < rows ? i + r : i) * depth;
            for (int c = 0; c < LONG; c++) b[c] = B + (j + c < columns ? j + c : j) * depth;
            V<T> total[HIGH][LONG] = {};
            for (int64_t d = 0; d < depth; d++)
                EACH for (int r = 0; r < HIGH; r++)
                    for (int c = 0; c < LONG; c++) total[r][c] += a[r][d].v[w] * b[c][d].v[w];
            for (int r = 0; r < HIGH && i + r < rows; r++)
                for (int c = 0; c < LONG && j + c < columns; c++) M[(i + r) * columns + j + c] += sum<T>(total[r][c]);
        }
}

// b += the sum of g over the strip.
template <class T> void sums(const Row<T> *g, int64_t count, T *b) {
    for (int64_t o = 0; o < count; o++) {
        V<T> total = {};
        EACH total += g[o].v[w];
        b[o] += sum<T>(total);
    }
}

// A strip of a matrix (n, count) as rows; beyond the last example comes the last one again, or 0.
template <class T> void load(const T *matrix, int64_t n, int64_t count, int64_t first, bool again, Row<T> *rows) {
    for (int64_t k = 0; k < STRIP<T>; k++) {
        int64_t e = first + k < n ? first + k : n - 1;
        for (int64_t i = 0; i < count; i++)
            reinterpret_cast<T *>(rows + i)[k] = first + k < n || again ? matrix[e * count + i] : T(0);
    }
}

template <class T> void store(const Row<T> *rows, int64_t n, int64_t count, int64_t first, T *matrix) {
    for (int64_t k = 0; k < STRIP<T> && first + k < n; k++)
        for (int64_t i = 0; i < count; i++)
            matrix[(first + k) * count + i] = reinterpret_cast<const T *>(rows + i)[k];
}

}  // namespace
