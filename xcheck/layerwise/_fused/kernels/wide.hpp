// A network of any width: values stand on top of their tangents in one matrix, (2n, f), so that one product serves both.
//
// Pearlmutter 1994 (the R-operator); Schraudolph 2002 for the Gauss-Newton product.

#pragma once

#include <vector>

#include "matmul.hpp"
#include "network.hpp"

namespace {

// Where the tape keeps what the way back needs of a layer, in entries: (a, da), its input, and dz, s' and s''.
template <class T> struct Wide {
    struct Place {
        int64_t a, dz, slope, second, end;
        Place(const Layer &l, int64_t n, int64_t first)
            : a(first), dz(a + 2 * n * l.in), slope(dz + n * l.out), second(slope + n * l.out), end(second + n * l.out) {}
    };
    Network<T> net;
    int64_t n, size = 0;
    std::vector<Place> at;

    Wide(const Layer *layers, int64_t count, int64_t n) : net(layers, count, n), n(n) {
        for (int64_t l = 0; l < count; l++) {
            at.emplace_back(layers[l], n, size);
            size = at.back().end;
        }
    }
};

// (z, dz) becomes (a, da) = (s(z), s' dz) where it is, entry by entry; s' is kept, and if `curved` dz and s''.
template <class T> void bends(int64_t kind, int64_t half, bool curved, T *z, T *dz, T *slopes, T *seconds) {
    auto some = [&](int64_t first, size_t bytes) __attribute__((always_inline)) {
        V<T> value = {}, tangent = {}, slope, second;
        std::memcpy(&value, z + first, bytes);
        std::memcpy(&tangent, z + half + first, bytes);
        if (curved) std::memcpy(dz + first, &tangent, bytes);
        bend<T>(kind, value, value, slope, second);
        if (curved) std::memcpy(seconds + first, &second, bytes);
        tangent *= slope;
        std::memcpy(z + first, &value, bytes);
        std::memcpy(z + half + first, &tangent, bytes);
        std::memcpy(slopes + first, &slope, bytes);
    };
    int64_t first = 0;
    for (; first + COUNT<T> <= half; first += COUNT<T>) some(first, sizeof(V<T>));  // of a known size, copies are moves
    if (first < half) some(first, (half - first) * sizeof(T));
}

// dg becomes s' dg, and where there is g, behind it, (dg, g) becomes (s' dg + s'' g dz, s' g).
template <class T>
void unbends(int64_t half, bool curved, const T *__restrict dz, const T *__restrict slope, const T *__restrict second, T *__restrict dg) {
    T *__restrict g = dg + half;
    for (int64_t i = 0; !curved && i < half; i++) dg[i] *= slope[i];
    for (int64_t i = 0; curved && i < half; i++) {
        dg[i] = slope[i] * dg[i] + second[i] * g[i] * dz[i];
        g[i] *= slope[i];
    }
}

// f(x) on top of J v, (2n, c); the tape has what H needs if `curved`, and else what G needs.
template <class T> void wide_forward(const Wide<T> &wide, const T *x, const T *v, bool curved, T *f, T *tape) {
    const Network<T> &net = wide.net;
    Product<T> product;
    int64_t n = wide.n;
    std::memcpy(tape, x, n * net.layers[0].in * sizeof(T));
    for (int64_t l = 0; l < net.count; l++) {
        const Layer &layer = net.layers[l];
        const T *a = tape + wide.at[l].a;
        T *z = l + 1 < net.count ? tape + wide.at[l].end : f, *dz = z + n * layer.out;
        Matrix<T> A(a, layer.in), W = Matrix<T>(net.W(l), layer.in).t(), dW = Matrix<T>(v + layer.theta, layer.in).t();
        const T *b = net.b(l), *db = layer.bias ? v + net.after(l) : nullptr;
        if (l) {
            product(n, layer.in, layer.out, A, W, z, false, {b, db});
            product(n, layer.in, layer.out, A, dW, dz, true);
        } else {  // the inputs have no tangents
            product(n, layer.in, layer.out, A, W, z, false, {b});
            product(n, layer.in, layer.out, A, dW, dz, false, {db});
        }
        if (layer.bend != NONE)
            bends(layer.bend, n * layer.out, curved, z, tape + wide.at[l].dz, tape + wide.at[l].slope,
                  tape + wide.at[l].second);
    }
}

// `factor` times H v from the tape; g is the gradient at f, dg its derivative along v. Without g: G v.
template <class T>
void wide_product(const Wide<T> &wide, const T *v, const T *gradient, const T *dgradient, T factor, const T *tape, T *result) {
    const Network<T> &net = wide.net;
    Product<T> product;
    bool curved = gradient;
    int64_t n = wide.n, rows = curved ? 2 * n : n, ends = n * net.outputs();
    std::unique_ptr<T[]> room[2];
    for (auto &one : room) one.reset(new T[rows * net.widest]);
    T *g = room[net.count % 2].get();
    for (int64_t i = 0; i < ends; i++) g[i] = factor * dgradient[i];
    for (int64_t i = 0; curved && i < ends; i++) g[ends + i] = factor * gradient[i];
    for (int64_t l = net.count - 1; l >= 0; l--) {
        const Layer &layer = net.layers[l];
        const typename Wide<T>::Place &at = wide.at[l];
        if (layer.bend != NONE) unbends(n * layer.out, curved, tape + at.dz, tape + at.slope, tape + at.second, g);
        if (layer.bias) {
            T *b = result + net.after(l);
            std::memset(b, 0, layer.out * sizeof(T));
            for (int64_t e = 0; e < n; e++)
                for (int64_t o = 0; o < layer.out; o++) b[o] += g[e * layer.out + o];
        }
        // Of the first layer's input there is no tangent.
        product(layer.out, l ? rows : n, layer.in, Matrix<T>(g, layer.out).t(), {tape + at.a, layer.in}, result + layer.theta);
        if (!l) break;
        T *back = room[l % 2].get();
        product(rows, layer.out, layer.in, {g, layer.out}, {net.W(l), layer.in}, back);
        if (curved) product(n, layer.out, layer.in, {g + n * layer.out, layer.out}, {v + layer.theta, layer.in}, back, true);
        g = back;
    }
}

}  // namespace
