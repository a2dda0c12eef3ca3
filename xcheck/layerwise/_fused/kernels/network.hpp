// A narrow network: z = W a + b and a = s(z), layer by layer, for a strip of examples at a time, and forward through it.
//
// A strip is so short that all its activations and tangents stay in the cache. `forward` leaves on a tape, strip by
// strip, what the ways back need; the loss is between them and not in here.

#pragma once

#include <vector>

#include "rows.hpp"

// z = W a + b, then a = s(z). In theta, of which `theta` is the first entry, b follows W.
struct Layer {
    const void *weight, *bias;
    int64_t in, out, bend, theta;
};

namespace {

template <class T> void times(const T *W, const Layer &l, const Row<T> *a, Row<T> *z) {
    multiply(W, l.in, l.out, l.in, 1, a, z);
}

template <class T> void transposed(const T *W, const Layer &l, const Row<T> *g, Row<T> *back) {
    multiply(W, l.out, l.in, 1, l.in, g, back);
}

// Where the tape of a strip keeps what belongs to a layer, in rows.
struct Place {
    int64_t a, da, slope, second, dz, end;
    Place(const Layer &l, int64_t first)
        : a(first), da(a + l.in), slope(da + l.in), second(slope + l.out), dz(second + l.out), end(dz + l.out) {}
};

template <class T> struct Network {
    const Layer *layers;
    int64_t count, n, rows = 0, widest = 0, size = 0;
    std::vector<Place> at;

    Network(const Layer *layers, int64_t count, int64_t n) : layers(layers), count(count), n(n) {
        for (int64_t l = 0; l < count; l++) {
            at.emplace_back(layers[l], rows);
            rows = at.back().end;
            size = after(l) + (layers[l].bias ? layers[l].out : 0);
            for (int64_t width : {layers[l].in, layers[l].out}) widest = widest < width ? width : widest;
        }
    }
    const T *W(int64_t l) const { return static_cast<const T *>(layers[l].weight); }
    const T *b(int64_t l) const { return static_cast<const T *>(layers[l].bias); }
    int64_t after(int64_t l) const { return layers[l].theta + layers[l].in * layers[l].out; }
    int64_t outputs() const { return layers[count - 1].out; }
};

// f(x), and J v where v is given; the tape keeps the inputs and slopes of every layer, and if `curved` what H needs.
template <class T>
void forward(const Network<T> &net, const T *x, const T *v, bool curved, T *f, T *df, Row<T> *tape) {
    std::vector<Row<T>> out(net.widest), tangent(net.widest);
    for (int64_t first = 0; first < net.n; first += STRIP<T>, tape += net.rows) {
        load(x, net.n, net.layers[0].in, first, true, tape);
        for (int64_t l = 0; l < net.count; l++) {
            const Layer &layer = net.layers[l];
            const Place &at = net.at[l];
            bool last = l + 1 == net.count;
            Row<T> *a = last ? out.data() : tape + at.end, *da = last ? tangent.data() : a + layer.out;
            start(net.b(l), layer.out, a);
            times(net.W(l), layer, tape + at.a, a);
            if (v) {
                start(layer.bias ? v + net.after(l) : nullptr, layer.out, da);
                times(v + layer.theta, layer, tape + at.a, da);
                if (l) times(net.W(l), layer, tape + at.da, da);
            }
            if (layer.bend == NONE) continue;
            for (int64_t o = 0; o < layer.out; o++) EACH {
                V<T> &slope = tape[at.slope + o].v[w], second;
                bend<T>(layer.bend, a[o].v[w], a[o].v[w], slope, second);
                if (curved) tape[at.second + o].v[w] = second;
                if (!v) continue;
                if (curved) tape[at.dz + o].v[w] = da[o].v[w];
                da[o].v[w] *= slope;
            }
        }
        store(out.data(), net.n, net.outputs(), first, f);
        if (v) store(tangent.data(), net.n, net.outputs(), first, df);
    }
}

}  // namespace
