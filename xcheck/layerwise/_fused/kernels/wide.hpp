// A network of any width: values stand on top of their tangents in one matrix, (2n, f), so that one product serves both.
//
// Pearlmutter 1994 (the R-operator); Schraudolph 2002 for the Gauss-Newton product.

#pragma once

#include <vector>

#include "matmul.hpp"
#include "network.hpp"

namespace {

// Where the tape keeps what the way back needs of a layer, in entries: (a, da), its input, but for the first, whose input
// is x; s'; and for H s'' dz. At its end, (dg, g) at the outputs.
template <class T> struct Wide {
    struct Place {
        int64_t a, slope, turn, end;
    };
    Network<T> net;
    int64_t n, size = 0;
    bool curved;
    std::vector<Place> at;

    Wide(const Layer *layers, int64_t count, int64_t n, bool curved) : net(layers, count, n), n(n), curved(curved) {
        for (int64_t l = 0; l < count; l++) {
            int64_t slope = size + (l ? 2 * n * layers[l].in : 0), bent = layers[l].bend == NONE ? 0 : n * layers[l].out;
            at.push_back({size, slope, slope + bent, slope + bent + curved * bent});
            size = at.back().end;
        }
        size += 2 * n * net.outputs();
    }
};

// (z, dz) becomes (a, da) = (s(z), s' dz) where it is, entry by entry; s' is kept, and if `curved` s'' dz.
template <class T> void bends(int64_t kind, int64_t half, bool curved, T *z, T *slopes, T *turns) {
    auto some = [&](int64_t first, size_t bytes) __attribute__((always_inline)) {
        V<T> value = {}, tangent = {}, slope, second;
        std::memcpy(&value, z + first, bytes);
        std::memcpy(&tangent, z + half + first, bytes);
        bend<T>(kind, value, value, slope, second);
        second *= tangent;
        tangent *= slope;
        std::memcpy(z + first, &value, bytes);
        std::memcpy(z + half + first, &tangent, bytes);
        std::memcpy(slopes + first, &slope, bytes);
        if (curved) std::memcpy(turns + first, &second, bytes);
    };
    int64_t first = 0;
    for (; first + COUNT<T> <= half; first += COUNT<T>) some(first, sizeof(V<T>));  // of a known size, copies are moves
    if (first < half) some(first, (half - first) * sizeof(T));
}

// dg becomes s' dg, and where there is g, behind it, (dg, g) becomes (s' dg + s'' dz g, s' g).
template <class T>
void unbends(int64_t half, bool curved, const T *__restrict slope, const T *__restrict turn, T *__restrict dg) {
    T *__restrict g = dg + half;
    for (int64_t i = 0; !curved && i < half; i++) dg[i] *= slope[i];
    for (int64_t i = 0; curved && i < half; i++) {
        dg[i] = slope[i] * dg[i] + turn[i] * g[i];
        g[i] *= slope[i];
    }
}

// f(x) on top of J v, (2n, c).
template <class T> void wide_forward(const Wide<T> &wide, const T *x, const T *v, T *f, T *tape) {
    const Network<T> &net = wide.net;
    Product<T> product;
    int64_t n = wide.n;
    for (int64_t l = 0; l < net.count; l++) {
        const Layer &layer = net.layers[l];
        const typename Wide<T>::Place &at = wide.at[l];
        T *z = l + 1 < net.count ? tape + at.end : f, *dz = z + n * layer.out;
        Matrix<T> A(l ? tape + at.a : x, layer.in);
        Matrix<T> W = Matrix<T>(net.W(l), layer.in).t(), V = Matrix<T>(v + layer.theta, layer.in).t();
        const T *b = net.b(l), *db = layer.bias ? v + net.after(l) : nullptr;
        if (l) {
            product(n, layer.in, layer.out, A, W, z, false, {b, db});
            product(n, layer.in, layer.out, A, V, dz, true);
        } else {  // the inputs have no tangents
            product(n, layer.in, layer.out, A, W, z, false, {b});
            product(n, layer.in, layer.out, A, V, dz, false, {db});
        }
        if (layer.bend != NONE) bends(layer.bend, n * layer.out, wide.curved, z, tape + at.slope, tape + at.turn);
    }
}

// `factor` times H v, or G v, from the tape, which is used up; g is the gradient at f, which only H wants, dg its derivative
// along v.
template <class T>
void wide_product(const Wide<T> &wide, const T *x, const T *v, const T *gradient, const T *dgradient, T factor, T *tape, T *result) {
    const Network<T> &net = wide.net;
    Product<T> product;
    bool curved = wide.curved;
    int64_t n = wide.n, rows = curved ? 2 * n : n, ends = n * net.outputs();
    T *g = tape + wide.size - 2 * ends;
    for (int64_t i = 0; i < ends; i++) g[i] = factor * dgradient[i];
    for (int64_t i = 0; curved && i < ends; i++) g[ends + i] = factor * gradient[i];
    for (int64_t l = net.count - 1; l >= 0; l--) {
        const Layer &layer = net.layers[l];
        const typename Wide<T>::Place &at = wide.at[l];
        if (layer.bend != NONE) unbends(n * layer.out, curved, tape + at.slope, tape + at.turn, g);
        if (layer.bias) {
            T *b = result + net.after(l);
            std::memset(b, 0, layer.out * sizeof(T));
            for (int64_t e = 0; e < n; e++)
                for (int64_t o = 0; o < layer.out; o++) b[o] += g[e * layer.out + o];
        }
        Matrix<T> A(l ? tape + at.a : x, layer.in), G(g, layer.out), D(g + n * layer.out, layer.out);
        product(layer.out, l ? rows : n, layer.in, G.t(), A, result + layer.theta);
        if (!l) break;
        T *back = tape + at.a;  // where the input was, which has done its service
        product(rows, layer.out, layer.in, G, {net.W(l), layer.in}, back);
        if (curved) product(n, layer.out, layer.in, D, {v + layer.theta, layer.in}, back, true);
        g = back;
    }
}

}  // namespace
