// Batch norm in training mode with the activation behind it, NCHW.
//
//   m = mean(x), v = mean((x - m)^2) of a channel in all pictures,  s = 1 / sqrt(v + eps)
//   y = act(a x + c),  a = gamma s,  c = beta - a m
//   e = dy where act passes, else 0
//   dbeta = sum(e),  dgamma = s sum(e (x - m)),  dx = a (e - dbeta / M - (x - m) s dgamma / M),  M = N H W
//
// Rows are summed in float by sixteen lanes, a thousand values at most, and then in double: nearly as exact as double
// throughout, as fast as float, and with the same bits whichever instructions the compiler takes for the lanes.

#include <algorithm>
#include <cmath>

#include "pool.h"
#include "session.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define ZOO_FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define ZOO_FOR_EACH_PROCESSOR
#endif

namespace zoo {

namespace {

constexpr int kLanes = 16;
constexpr int64_t kPart = 1024;

enum Activation { kNone, kReLU, kReLU6 };

struct Affine {
    float scale, shift, least, most;

    float operator()(float x) const { return std::min(std::max(x * scale + shift, least), most); }
    // Whether a gradient goes through: not where the activation is flat.
    bool passes(float x) const {
        const float y = x * scale + shift;
        return y > least && y < most;
    }
};

float fold(const float* lanes) {
    float sum = 0;
    for (int k = 0; k < kLanes; ++k) sum += lanes[k];
    return sum;
}

ZOO_FOR_EACH_PROCESSOR double sum(const float* x, int64_t n) {
    double total = 0;
    for (int64_t begin = 0; begin < n; begin += kPart) {
        const int64_t end = std::min(n, begin + kPart);
        float lanes[kLanes] = {};
        int64_t i = begin;
        for (; i + kLanes <= end; i += kLanes)
            for (int k = 0; k < kLanes; ++k) lanes[k] += x[i + k];
        for (; i < end; ++i) lanes[0] += x[i];
        total += fold(lanes);
    }
    return total;
}

ZOO_FOR_EACH_PROCESSOR double squares(const float* x, float mean, int64_t n) {
    double total = 0;
    for (int64_t begin = 0; begin < n; begin += kPart) {
        const int64_t end = std::min(n, begin + kPart);
        float lanes[kLanes] = {};
        int64_t i = begin;
        for (; i + kLanes <= end; i += kLanes)
            for (int k = 0; k < kLanes; ++k) lanes[k] += (x[i + k] - mean) * (x[i + k] - mean);
        for (; i < end; ++i) lanes[0] += (x[i] - mean) * (x[i] - mean);
        total += fold(lanes);
    }
    return total;
}

ZOO_FOR_EACH_PROCESSOR void apply(const float* x, float* y, const Affine f, int64_t n) {
    for (int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
}

// Sums of e and of e (x - mean).
ZOO_FOR_EACH_PROCESSOR void gradient_sums(const float* dy, const float* x, const Affine f, float mean, int64_t n,
                                          double* first, double* second) {
    for (int64_t begin = 0; begin < n; begin += kPart) {
        const int64_t end = std::min(n, begin + kPart);
        float one[kLanes] = {}, two[kLanes] = {};
        int64_t i = begin;
        for (; i + kLanes <= end; i += kLanes)
            for (int k = 0; k < kLanes; ++k) {
                const float e = f.passes(x[i + k]) ? dy[i + k] : 0.0f;
                one[k] += e;
                two[k] += e * (x[i + k] - mean);
            }
        for (; i < end; ++i) {
            const float e = f.passes(x[i]) ? dy[i] : 0.0f;
            one[0] += e;
            two[0] += e * (x[i] - mean);
        }
        *first += fold(one);
        *second += fold(two);
    }
}

ZOO_FOR_EACH_PROCESSOR void gradient(const float* dy, const float* x, float* dx, const Affine f, float mean,
                                     float level, float slope, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
        const float e = f.passes(x[i]) ? dy[i] : 0.0f;
        dx[i] = f.scale * (e - level - (x[i] - mean) * slope);
    }
}

// Each channel, shared among the threads.
void channels(int64_t count, const std::function<void(int64_t)>& task) {
    const int threads = static_cast<int>(std::min<int64_t>(pool().get_num_threads(), count));
    // Several parts for each thread, so that one that is held up does not hold up the rest.
    const int parts = static_cast<int>(std::min<int64_t>(threads == 1 ? 1 : 4 * threads, count));
    pool().parallel_for(parts, [&](int part, int all) {
        for (int64_t c = part * count / all; c < (part + 1) * count / all; ++c) task(c);
    });
}

struct Sizes {
    int64_t pictures, channels, area;

    explicit Sizes(const int64_t* shape) : pictures(shape[0]), channels(shape[1]), area(shape[2] * shape[3]) {}
    int64_t at(int64_t picture, int64_t channel) const { return (picture * channels + channel) * area; }
    double count() const { return static_cast<double>(pictures * area); }
};

Affine affine(float gamma, float beta, float mean, float scale, float activation) {
    const float slope = gamma * scale;
    const float infinite = HUGE_VALF;
    return {slope, beta - slope * mean, activation == kNone ? -infinite : 0.0f, activation == kReLU6 ? 6.0f : infinite};
}

// x, gamma, beta, moving mean, moving variance, (eps, share of the new, activation)
// -> y, mean, 1 / sqrt(variance + eps), next moving mean, next moving variance
void norm(void** data, int64_t** shapes) {
    const Sizes size(shapes[0]);
    const auto in = [&](int i) { return static_cast<const float*>(data[i]); };
    const auto out = [&](int i) { return static_cast<float*>(data[i]); };
    const float eps = in(5)[0], share = in(5)[1], activation = in(5)[2];
    channels(size.channels, [&](int64_t c) {
        double total = 0, square = 0;
        for (int64_t n = 0; n < size.pictures; ++n) total += sum(in(0) + size.at(n, c), size.area);
        const float mean = static_cast<float>(total / size.count());
        for (int64_t n = 0; n < size.pictures; ++n) square += squares(in(0) + size.at(n, c), mean, size.area);
        const double variance = square / size.count();
        const float scale = static_cast<float>(1 / std::sqrt(variance + eps));
        const Affine f = affine(in(1)[c], in(2)[c], mean, scale, activation);
        for (int64_t n = 0; n < size.pictures; ++n) apply(in(0) + size.at(n, c), out(6) + size.at(n, c), f, size.area);
        out(7)[c] = mean;
        out(8)[c] = scale;
        const float unbiased = static_cast<float>(square / std::max(1.0, size.count() - 1));
        out(9)[c] = in(3)[c] + share * (mean - in(3)[c]);
        out(10)[c] = in(4)[c] + share * (unbiased - in(4)[c]);
    });
}

// dy, x, gamma, beta, mean, 1 / sqrt(variance + eps), settings -> dx, dgamma, dbeta
void norm_gradients(void** data, int64_t** shapes) {
    const Sizes size(shapes[1]);
    const auto in = [&](int i) { return static_cast<const float*>(data[i]); };
    const auto out = [&](int i) { return static_cast<float*>(data[i]); };
    channels(size.channels, [&](int64_t c) {
        const float mean = in(4)[c], scale = in(5)[c];
        const Affine f = affine(in(2)[c], in(3)[c], mean, scale, in(6)[2]);
        double first = 0, second = 0;
        for (int64_t n = 0; n < size.pictures; ++n)
            gradient_sums(in(0) + size.at(n, c), in(1) + size.at(n, c), f, mean, size.area, &first, &second);
        const float dgamma = static_cast<float>(second * scale);
        const float level = static_cast<float>(first / size.count());
        const float slope = static_cast<float>(second * scale * scale / size.count());
        for (int64_t n = 0; n < size.pictures; ++n)
            gradient(in(0) + size.at(n, c), in(1) + size.at(n, c), out(7) + size.at(n, c), f, mean, level, slope,
                     size.area);
        out(8)[c] = dgamma;
        out(9)[c] = static_cast<float>(first);
    });
}

}  // namespace

}  // namespace zoo

extern "C" int zoo_norm(int, void** data, int*, int64_t** shapes, const char**, void*, void*) {
    return zoo::guarded([&] { zoo::norm(data, shapes); });
}

extern "C" int zoo_norm_gradients(int, void** data, int*, int64_t** shapes, const char**, void*, void*) {
    return zoo::guarded([&] { zoo::norm_gradients(data, shapes); });
}
