// The way back of a diagonal.

#pragma once

#include <utility>

#include "network.hpp"

namespace {

// Columns c_k with weights, sum_k weight_k c_k c_k^T, at one place of the network.
template <class T> struct Columns {
    std::vector<Row<T>> rows, weights;
    int64_t width, count = 0;
    explicit Columns(int64_t width) : width(width) {}
    Row<T> *operator[](int64_t k) { return rows.data() + k * width; }
    Row<T> *add(Row<T> weight) {
        if (int64_t(weights.size()) == count) {
            rows.resize((count + 1) * width);
            weights.resize(count + 1);
        }
        weights[count] = weight;
        return (*this)[count++];
    }
};

// The diagonal of G, or of H where the gradient g at f is given; C is the root of the loss's Hessian, (h, n, c).
template <class T>
void squares(const Network<T> &net, const T *C, int64_t h, const T *g, const Row<T> *tape, T *result) {
    Columns<T> now(net.widest), back(net.widest);
    std::vector<Row<T>> gradient(net.widest), pulled(net.widest), own(net.widest), total(net.widest), squared(net.widest);
    Row<T> one;
    EACH one.v[w] = V<T>{} + 1;
    for (int64_t first = 0; first < net.n; first += STRIP<T>, tape += net.rows) {
        now.count = 0;
        for (int64_t k = 0; k < h; k++)
            load(C + k * net.n * net.outputs(), net.n, net.outputs(), first, false, now.add(one));
        if (g) load(g, net.n, net.outputs(), first, false, gradient.data());
        for (int64_t l = net.count - 1; l >= 0; l--) {
            const Layer &layer = net.layers[l];
            const Place &at = net.at[l];
            bool curved = g && layer.bend != NONE && layer.bend != RELU;
            for (int64_t o = 0; o < layer.out; o++) EACH {
                V<T> slope = layer.bend == NONE ? one.v[w] : tape[at.slope + o].v[w], sum = {};
                if (curved) sum = own[o].v[w] = tape[at.second + o].v[w] * gradient[o].v[w];
                if (g) gradient[o].v[w] *= slope;
                for (int64_t k = 0; k < now.count; k++) {
                    V<T> &c = now[k][o].v[w];
                    c *= slope;
                    sum += now.weights[k].v[w] * c * c;
                }
                total[o].v[w] = sum;
            }
            for (int64_t i = 0; i < layer.in; i++) EACH {
                V<T> a = tape[at.a + i].v[w];
                squared[i].v[w] = a * a;
            }
            if (layer.bias) sums(total.data(), layer.out, result + net.after(l));
            outer(total.data(), squared.data(), layer.out, layer.in, result + layer.theta);
            if (!l) break;
            back.count = 0;
            for (int64_t k = 0; k < now.count; k++) {
                Row<T> *column = back.add(now.weights[k]);
                start<T>(nullptr, layer.in, column);
                transposed(net.W(l), layer, now[k], column);
            }
            // What the layer's own curvature adds is diagonal here, and one column of W^T an output behind it.
            for (int64_t o = 0; curved && o < layer.out; o++)
                start(net.W(l) + o * layer.in, layer.in, back.add(own[o]));
            if (g) {
                start<T>(nullptr, layer.in, pulled.data());
                transposed(net.W(l), layer, gradient.data(), pulled.data());
                gradient.swap(pulled);
            }
            std::swap(now, back);
        }
    }
}

}  // namespace
