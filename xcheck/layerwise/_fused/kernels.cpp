// Curvature of a narrow network, fused: z = W a + b and a = s(z), layer by layer, for a strip of examples at a time.
//
// A strip is so short that all its activations and tangents stay in the cache; every row (one feature of one strip) is
// WIDE vectors of examples. `forward` leaves on a tape, strip by strip, what the passes back need; the loss is between
// them and not in here. Plain C functions at the end, for floats and doubles.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>
#ifdef __AVX__
#include <immintrin.h>
#endif

// z = W a + b, then a = s(z). In theta, of which `theta` is the first entry, b follows W.
struct Layer {
    const void *weight, *bias;
    int64_t in, out, bend, theta;
};

// What a linear layer owes to a Jacobian: rows of `left`, (n, c, out), times `right`, (n, in); and `left` if it has a bias.
struct Outer {
    const void *left, *right;
    int64_t in, out, bias;
};

namespace {

constexpr int WIDE = 8;  // vectors in a row: as many accumulators as a product can keep in registers

template <class T> struct Lanes;
template <> struct Lanes<float> {
    typedef float V __attribute__((vector_size(32)));
    typedef int32_t I __attribute__((vector_size(32)));
    static constexpr int mantissa = 23, bias = 127, terms = 8;
    static constexpr float high = 0.693359375f, low = -2.12194440e-4f, most = 88;
};
template <> struct Lanes<double> {
    typedef double V __attribute__((vector_size(32)));
    typedef int64_t I __attribute__((vector_size(32)));
    static constexpr int mantissa = 52, bias = 1023, terms = 14;
    static constexpr double high = 6.93145751953125e-1, low = 1.42860682030941723212e-6, most = 709;
};

template <class T> using V = typename Lanes<T>::V;
template <class T> constexpr int COUNT = sizeof(V<T>) / sizeof(T);
template <class T> constexpr int STRIP = WIDE * COUNT<T>;
template <class T> struct Row { V<T> v[WIDE]; };

#define EACH for (int w = 0; w < WIDE; w++)

template <class T> T sum(const V<T> &v) {
    T total = 0;
    for (int k = 0; k < COUNT<T>; k++) total += v[k];
    return total;
}

// e^x - 1 = 2^k (e^r - 1) + (2^k - 1) for 0 <= x: no cancellation; r = x - k log 2 by Cody and Waite (1980).
template <class T> V<T> expm1(V<T> x) {
    using L = Lanes<T>;
    using I = typename L::I;
    x = x > L::most ? V<T>{} + L::most : x;  // and NaN stays
    const T shift = T(3) * (int64_t(1) << (L::mantissa - 1));  // added to a number, it rounds it to an integer
    V<T> k = (x * T(1.44269504088896340736) + shift) - shift;
    V<T> r = (x - k * L::high) - k * L::low, p = {};
    for (int j = L::terms; j > 1; j--) p = (p + 1) * (r * (T(1) / j));  // a division takes five times as long
    p = (p + 1) * r;
    I exponent = (__builtin_convertvector(k, I) + L::bias) << L::mantissa;
    V<T> power;
    std::memcpy(&power, &exponent, sizeof power);
    return power * p + (power - 1);
}

enum Bend : int64_t { NONE, TANH, SIGMOID, RELU, SILU };

// a = s(z), s'(z) and s''(z).
template <class T> void bend(int64_t kind, V<T> z, V<T> &a, V<T> &slope, V<T> &second) {
    V<T> zero = {};
    if (kind == TANH) {
        V<T> e = expm1<T>(2 * (z < 0 ? -z : z)), y = e / (e + 2);
        a = z < 0 ? -y : y;
        slope = 1 - a * a;
        second = -2 * a * slope;
    } else if (kind == RELU) {
        slope = z > 0 ? zero + 1 : zero;
        a = z < 0 ? zero : z;
        second = zero;
    } else {
        V<T> e = expm1<T>(z < 0 ? -z : z) + 1, large = e / (1 + e), small = 1 / (1 + e);
        V<T> up = z < 0 ? small : large, down = z < 0 ? large : small;
        if (kind == SIGMOID) {
            a = up;
            slope = up * down;
            second = (down - up) * slope;
        } else {
            a = z * up;
            slope = up * (1 + z * down);
            second = up * down * (2 + z * (down - up));
        }
    }
}

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

template <class T> void times(const T *W, const Layer &l, const Row<T> *a, Row<T> *z) {
    multiply(W, l.in, l.out, l.in, 1, a, z);
}

template <class T> void transposed(const T *W, const Layer &l, const Row<T> *g, Row<T> *back) {
    multiply(W, l.out, l.in, 1, l.in, g, back);
}

// M += A B^T, summed over rows of `depth` Rows each; of a symmetric M only what lies on and above its diagonal.
template <class T>
void outer(const Row<T> *A, const Row<T> *B, int64_t rows, int64_t columns, T *M, int64_t depth = 1, bool upper = false) {
    constexpr int HIGH = 2, LONG = 4;  // eight accumulators
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

// All of G = sum_k (C_k^T J)^T (C_k^T J), (p, p).
template <class T> void gram(const Network<T> &net, const T *C, int64_t h, const Row<T> *tape, T *result) {
    constexpr int DEPTH = 4;  // strips, so that adding up an accumulator's lanes is rare
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
        outer(panel.data(), panel.data(), net.size, net.size, result, DEPTH, true);
        filled = 0;
    }
    for (int64_t i = 0; i < net.size; i++)
        for (int64_t j = 0; j < i; j++) result[i * net.size + j] = result[j * net.size + i];
}

// A matrix too large for any cache, written once from its first entry to its last: whole lines go past the caches, which
// would read them first. `room(count)` is where the next entries are to be made.
template <class T> class Stream {
    static constexpr int64_t LINE = 64 / sizeof(T), MOST = 128 * LINE;
    alignas(64) T buffer[MOST];
    T *line;  // of the result, where the buffer belongs
    int64_t first, filled;

  public:
    static constexpr int64_t ROOM = MOST / 2;
    explicit Stream(T *result) {
        first = filled = reinterpret_cast<uintptr_t>(result) % 64 / sizeof(T);
        line = result - first;
    }
    T *room(int64_t count) {
        if (filled + count > MOST) write();
        filled += count;
        return buffer + filled - count;
    }
    void write() {
        int64_t done = 0;
        if (first) {  // what lies before the result is not ours
            std::memcpy(line + first, buffer + first, (LINE - first) * sizeof(T));
            done = LINE;
            first = 0;
        }
        for (; done + LINE <= filled; done += LINE) whole(line + done, buffer + done);
        std::memmove(buffer, buffer + done, (filled - done) * sizeof(T));
        line += done;
        filled -= done;
    }
    static void whole(T *to, const T *from) {
#ifdef __AVX__
        for (int64_t k = 0; k < 2; k++)
            _mm256_stream_si256(reinterpret_cast<__m256i *>(to) + k,
                                _mm256_load_si256(reinterpret_cast<const __m256i *>(from) + k));
#else
        std::memcpy(to, from, 64);
#endif
    }
    ~Stream() {
        if (filled >= LINE) write();
        std::memcpy(line + first, buffer + first, (filled - first) * sizeof(T));
#ifdef __AVX__
        _mm_sfence();
#endif
    }
};

// J, (n, c, p), row by row.
template <class T> void jacobian(const Outer *layers, int64_t count, int64_t n, int64_t c, T *result) {
    Stream<T> stream(result);
    for (int64_t row = 0; row < n * c; row++)
        for (int64_t l = 0; l < count; l++) {
            const Outer &layer = layers[l];
            const T *left = static_cast<const T *>(layer.left) + row * layer.out;
            const T *right = static_cast<const T *>(layer.right) + row / c * layer.in;
            for (int64_t o = 0; o < layer.out + layer.bias; o++) {
                const T *from = o < layer.out ? right : left, factor = o < layer.out ? left[o] : 1;
                int64_t length = o < layer.out ? layer.in : layer.out;
                for (int64_t i = 0; i < length; i += Stream<T>::ROOM) {
                    int64_t many = length - i < Stream<T>::ROOM ? length - i : Stream<T>::ROOM;
                    T *__restrict to = stream.room(many);
                    if (factor == 0)  // an output that does not see the layer's: 0, whatever the input
                        std::memset(to, 0, many * sizeof(T));
                    else
                        for (int64_t k = 0; k < many; k++) to[k] = factor * from[i + k];
                }
            }
        }
}

// For wide networks, entry by entry; each array has two halves: (z, dz) becomes (a, da) = (s(z), s' dz) and (s', s'').
template <class T> void bends(int64_t kind, int64_t half, const T *z, T *a, T *slopes) {
    auto some = [&](int64_t first, size_t bytes) __attribute__((always_inline)) {
        V<T> in = {}, tangent = {}, out, slope, second;
        std::memcpy(&in, z + first, bytes);
        std::memcpy(&tangent, z + half + first, bytes);
        bend<T>(kind, in, out, slope, second);
        tangent *= slope;
        std::memcpy(a + first, &out, bytes);
        std::memcpy(a + half + first, &tangent, bytes);
        std::memcpy(slopes + first, &slope, bytes);
        std::memcpy(slopes + half + first, &second, bytes);
    };
    int64_t first = 0;
    for (; first + COUNT<T> <= half; first += COUNT<T>) some(first, sizeof(V<T>));  // of a known size, copies are moves
    if (first < half) some(first, (half - first) * sizeof(T));
}

// (dg, g) = (s' dg + s'' g dz, s' g).
template <class T> void unbends(int64_t half, const T *slopes, const T *z, T *both) {
    const T *slope = slopes, *second = slopes + half, *dz = z + half;
    T *__restrict dg = both, *__restrict g = both + half;
    for (int64_t i = 0; i < half; i++) {
        dg[i] = slope[i] * dg[i] + second[i] * g[i] * dz[i];
        g[i] *= slope[i];
    }
}

}  // namespace

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
    extern "C" void name##_bends(int64_t kind, int64_t half, const T *z, T *a, T *slopes) {                            \
        bends(kind, half, z, a, slopes);                                                                               \
    }                                                                                                                  \
    extern "C" void name##_unbends(int64_t half, const T *slopes, const T *z, T *g) { unbends(half, slopes, z, g); }

EXPORT(float, float32)
EXPORT(double, float64)
