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

// M += A B^T, summed over a row.
template <class T> void outer(const Row<T> *A, const Row<T> *B, int64_t rows, int64_t columns, T *M) {
    constexpr int TALL = 4, BROAD = 2;  // eight accumulators, and few of B loaded for each
    for (int64_t i = 0; i < rows; i += TALL)
        for (int64_t j = 0; j < columns; j += BROAD) {
            const Row<T> *a[TALL], *b[BROAD];
            for (int r = 0; r < TALL; r++) a[r] = A + (i + r < rows ? i + r : i);
            for (int c = 0; c < BROAD; c++) b[c] = B + (j + c < columns ? j + c : j);
            V<T> total[TALL][BROAD] = {};
            EACH for (int r = 0; r < TALL; r++)
                for (int c = 0; c < BROAD; c++) total[r][c] += a[r]->v[w] * b[c]->v[w];
            for (int r = 0; r < TALL && i + r < rows; r++)
                for (int c = 0; c < BROAD && j + c < columns; c++) M[(i + r) * columns + j + c] += sum<T>(total[r][c]);
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
