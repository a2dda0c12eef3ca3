// Matrix products inside a kernel. PyTorch's are as fast, but each is a call from outside, among others that cost more.
//
// Goto and van de Geijn (2008): a tile of the result stays in registers while it runs along k, over panels of both
// matrices that were packed in the order in which a tile reads them, the right one for the first cache, the left one for
// the second.

#pragma once

#include <algorithm>
#include <initializer_list>
#include <memory>

#include "lanes.hpp"

namespace {

// A matrix to be read: entry (i, j) is at[i * by_row + j * by_column].
template <class T> struct Matrix {
    const T *at;
    int64_t by_row, by_column;
    Matrix() = default;
    Matrix(const T *at, int64_t columns) : at(at), by_row(columns), by_column(1) {}
    Matrix(const T *at, int64_t by_row, int64_t by_column) : at(at), by_row(by_row), by_column(by_column) {}
    Matrix t() const { return {at, by_column, by_row}; }
    Matrix from(int64_t i, int64_t j) const { return {at + i * by_row + j * by_column, by_row, by_column}; }
};

#ifdef __AVX__
// A square of lanes, transposed: pairs of rows, pairs of pairs, and their halves.
__attribute__((always_inline)) inline void transpose(V<double> (&r)[4]) {
    V<double> pairs[4];
    for (int i = 0; i < 4; i += 2) {
        pairs[i] = _mm256_unpacklo_pd(r[i], r[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_pd(r[i], r[i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        r[i] = _mm256_permute2f128_pd(pairs[i], pairs[i + 2], 0x20);
        r[i + 2] = _mm256_permute2f128_pd(pairs[i], pairs[i + 2], 0x31);
    }
}
__attribute__((always_inline)) inline void transpose(V<float> (&r)[8]) {
    V<float> pairs[8], fours[8];
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int k = 0; k < 2; k++) {
            fours[i + 2 * k] = _mm256_shuffle_ps(pairs[i + k], pairs[i + k + 2], 0x44);
            fours[i + 2 * k + 1] = _mm256_shuffle_ps(pairs[i + k], pairs[i + k + 2], 0xee);
        }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31);
    }
}
#endif

// to[k * LANES + l] = M(l, k), and 0 where M has no row l. What is copied by vectors may write one beyond the end.
template <class T, int LANES> void pack(Matrix<T> M, int64_t rows, int64_t depth, T *to) {
    constexpr int VECTORS = (LANES + COUNT<T> - 1) / COUNT<T>;
    int64_t k = 0;
    if (rows >= LANES && M.by_row == 1)
        for (; k + COUNT<T> <= depth; k++)  // but for the last, whose vectors might end outside of M
            for (int g = 0; g < VECTORS; g++)
                set(to + k * LANES + g * COUNT<T>, get(M.at + k * M.by_column + g * COUNT<T>));
#ifdef __AVX__
    for (; rows >= LANES && LANES % COUNT<T> == 0 && M.by_column == 1 && k + COUNT<T> <= depth; k += COUNT<T>)
        for (int g = 0; g < VECTORS; g++) {
            V<T> block[COUNT<T>];
            const T *row = M.from(g * COUNT<T>, k).at;
#pragma GCC unroll 8
            for (int l = 0; l < COUNT<T>; l++) block[l] = get(row + l * M.by_row);
            transpose(block);
#pragma GCC unroll 8
            for (int l = 0; l < COUNT<T>; l++) set(to + (k + l) * LANES + g * COUNT<T>, block[l]);
        }
#endif
    for (; k < depth; k++)
        for (int64_t l = 0; l < LANES; l++) to[k * LANES + l] = l < rows ? *M.from(l, k).at : T(0);
}

constexpr int HIGH = 6, LONG = 2;  // a tile: twelve accumulators, and three registers for what they are fed with
constexpr int64_t DEEP = 256;      // of a panel
template <class T> constexpr int WIDTH = LONG * COUNT<T>;

// HIGH rows of A from `row` on, of which `rows` are there, and what their rows of C begin with: `start`, or 0.
template <class T> struct Block {
    Matrix<T> A;
    int64_t row, rows;
    const T *start;
};

// C = start + A B for one tile, or C += A B if `add`; B is packed. Only `columns` of C are there, from `column` on.
template <class T>
void tile(const Block<T> &block, int64_t depth, const V<T> *B, int64_t column, int64_t columns, bool add, T *C, int64_t ld) {
    V<T> total[HIGH][LONG];
    for (auto &row : total)
        for (auto &one : row) one = V<T>{};
#pragma GCC unroll 4
    for (int64_t k = 0; k < depth; k++)
        for (int r = 0; r < HIGH; r++)
            for (int c = 0; c < LONG; c++) total[r][c] += *block.A.from(r, k).at * B[k * LONG + c];
    C += block.row * ld + column;
    const T *start = block.start ? block.start + column : nullptr;
    if (block.rows == HIGH && columns == WIDTH<T>) {
        for (int r = 0; r < HIGH; r++)
            for (int c = 0; c < LONG; c++) {
                T *to = C + r * ld + c * COUNT<T>;
                if (add || start) total[r][c] += get(add ? to : start + c * COUNT<T>);
                set(to, total[r][c]);
            }
        return;
    }
    T all[HIGH][WIDTH<T>];
    for (int r = 0; r < HIGH; r++)  // one by one, so that they are registers until here
        for (int c = 0; c < LONG; c++) set(&all[r][c * COUNT<T>], total[r][c]);
    for (int64_t r = 0; r < block.rows; r++)
        for (int64_t j = 0; j < columns; j++) C[r * ld + j] = (add ? C[r * ld + j] : start ? start[j] : T(0)) + all[r][j];
}

// Products one after another, in the same memory.
template <class T> class Product {
    static constexpr int64_t MOST = 192 / sizeof(T);  // blocks of A that stay in a second cache
    std::unique_ptr<V<T>[]> left{new V<T>[MOST * HIGH * DEEP / COUNT<T> + 1]}, right{new V<T>[DEEP * LONG + LONG]};
    Block<T> blocks[MOST];
    int64_t count = 0;

    T *room() { return reinterpret_cast<T *>(left.get()) + count * HIGH * DEEP; }

    // All tiles of the blocks; with `upper` only those that reach the diagonal of C, or lie above it.
    void tiles(Matrix<T> B, int64_t depth, int64_t n, bool add, bool upper, T *C) {
        T *panel = reinterpret_cast<T *>(right.get());
        for (int64_t j = upper ? blocks[0].row / WIDTH<T> * WIDTH<T> : 0; j < n; j += WIDTH<T>) {
            int64_t columns = std::min<int64_t>(WIDTH<T>, n - j);
            pack<T, WIDTH<T>>(B.from(0, j).t(), columns, depth, panel);
            for (int64_t b = 0; b < count && !(upper && blocks[b].row >= j + columns); b++)
                tile(blocks[b], depth, right.get(), j, columns, add, C, n);
        }
        count = 0;
    }

  public:
    // C = start + A B, or C += A B if `add`. A has m rows, and as many again for each further `start`; C is (.., n).
    void operator()(int64_t m, int64_t k, int64_t n, Matrix<T> A, Matrix<T> B, T *C, bool add = false,
                    std::initializer_list<const T *> starts = {nullptr}, bool upper = false) {
        for (int64_t d = 0; d < k; d += DEEP) {
            int64_t depth = std::min(DEEP, k - d), first = 0;
            for (const T *start : starts) {
                for (int64_t i = 0; i < m; i += HIGH) {
                    Block<T> &block = blocks[count] = {A.from(first + i, d), first + i, std::min<int64_t>(HIGH, m - i), start};
                    if (block.A.by_column != 1 || block.rows < HIGH) {  // else it is read where it is
                        pack<T, HIGH>(block.A, block.rows, depth, room());
                        block.A = {room(), 1, HIGH};
                    }
                    if (++count == MOST) tiles(B.from(d, 0), depth, n, add || d, upper, C);
                }
                first += m;
            }
            if (count) tiles(B.from(d, 0), depth, n, add || d, upper, C);
        }
    }
};

}  // namespace
