// The way back of a product of H or G with a vector.

#pragma once

#include "network.hpp"

namespace {

// H v from the tape of `forward` along v; g is the gradient at f, dg its derivative along v. Without g: G v.
template <class T>
void product(const Network<T> &net, const T *v, const T *g, const T *dg, const Row<T> *tape, T *result) {
    std::vector<Row<T>> now(net.widest), dnow(net.widest), back(net.widest), dback(net.widest);
    for (int64_t first = 0; first < net.n; first += STRIP<T>, tape += net.rows) {
        load(dg, net.n, net.outputs(), first, false, dnow.data());
        if (g) load(g, net.n, net.outputs(), first, false, now.data());
        for (int64_t l = net.count - 1; l >= 0; l--) {
            const Layer &layer = net.layers[l];
            const Place &at = net.at[l];
            if (layer.bend != NONE)
                for (int64_t o = 0; o < layer.out; o++) EACH {
                    V<T> slope = tape[at.slope + o].v[w], &d = dnow[o].v[w];
                    d *= slope;
                    if (!g) continue;
                    d += tape[at.second + o].v[w] * now[o].v[w] * tape[at.dz + o].v[w];
                    now[o].v[w] *= slope;
                }
            T *W = result + layer.theta;
            if (layer.bias) sums(dnow.data(), layer.out, result + net.after(l));
            outer(dnow.data(), tape + at.a, layer.out, layer.in, W);
            if (!l) break;
            start<T>(nullptr, layer.in, dback.data());
            transposed(net.W(l), layer, dnow.data(), dback.data());
            if (g) {
                outer(now.data(), tape + at.da, layer.out, layer.in, W);
                transposed(v + layer.theta, layer, now.data(), dback.data());
                start<T>(nullptr, layer.in, back.data());
                transposed(net.W(l), layer, now.data(), back.data());
            }
            now.swap(back);
            dnow.swap(dback);
        }
    }
}

}  // namespace
