// The way back of all of G.

#pragma once

#include "matmul.hpp"
#include "network.hpp"

namespace {

// All of G = sum_k (C_k^T J)^T (C_k^T J), (p, p).
template <class T> void gram(const Network<T> &net, const T *C, int64_t h, const Row<T> *tape, T *result) {
    constexpr int DEPTH = DEEP / STRIP<float>;  // strips of a panel
    Product<T> product;
    std::vector<Row<T>> panel(net.size * DEPTH), now(net.widest), back(net.widest);
    int64_t filled = 0, last = (net.n + STRIP<T> - 1) / STRIP<T> * h;
    for (int64_t item = 0; item < last; item++) {
        int64_t first = item / h * STRIP<T>;
        const Row<T> *strip = tape + item / h * net.rows;
        load(C + item % h * net.n * net.outputs(), net.n, net.outputs(), first, false, now.data());
        for (int64_t l = net.count - 1; l >= 0; l--) {
            const Layer &layer = net.layers[l];
            const Place &at = net.at[l];
            for (int64_t o = 0; o < layer.out; o++) {
                if (layer.bend != NONE) EACH now[o].v[w] *= strip[at.slope + o].v[w];
                Row<T> *to = panel.data() + (layer.theta + o * layer.in) * DEPTH + filled;
                for (int64_t i = 0; i < layer.in; i++) EACH to[i * DEPTH].v[w] = now[o].v[w] * strip[at.a + i].v[w];
                if (layer.bias) panel[(net.after(l) + o) * DEPTH + filled] = now[o];
            }
            start<T>(nullptr, layer.in, back.data());
            if (l) transposed(net.W(l), layer, now.data(), back.data());
            now.swap(back);
        }
        if (++filled < DEPTH && item + 1 < last) continue;
        for (int64_t j = 0; filled < DEPTH && j < net.size; j++)
            for (int64_t d = filled; d < DEPTH; d++) panel[j * DEPTH + d] = Row<T>{};
        Matrix<T> P(reinterpret_cast<const T *>(panel.data()), DEPTH * STRIP<T>);
        product(net.size, DEPTH * STRIP<T>, net.size, P, P.t(), result, true, {nullptr}, true);
        filled = 0;
    }
    for (int64_t i = 0; i < net.size; i++)
        for (int64_t j = 0; j < i; j++) result[i * net.size + j] = result[j * net.size + i];
}

}  // namespace
