// Convolution and its gradients, NCHW in and out, in the layouts that oneDNN's fast kernels want.
//
// How MindSpore calls: data, number of dimensions, shapes of inputs and then outputs. The geometry is told by the
// shapes of four small tensors, as that is all that shape functions of custom operators see:
//   (stride y, stride x), (1 + padding above, 1 + below), (1 + left, 1 + right), (dilation y, dilation x)

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "session.h"

namespace zoo {

namespace {

using Dims = std::vector<int64_t>;

struct Geometry {
    std::array<int64_t, 2> strides, dilates, before, after;

    explicit Geometry(int64_t** shapes)
        : strides{shapes[0][0], shapes[0][1]},
          dilates{shapes[3][0] - 1, shapes[3][1] - 1},
          before{shapes[1][0] - 1, shapes[2][0] - 1},
          after{shapes[1][1] - 1, shapes[2][1] - 1} {}
};

// A tensor that a kernel reads or writes: as MindSpore has it, and as the kernel wants it.
class Port {
  public:
    enum Direction { kIn, kOut };

    Port(const Desc* outside, const Desc* inside, Direction direction) : direction_(direction) {
        const OneDnn& d = onednn();
        check(d.memory_create(&inside_, inside, engine(), nullptr), "memory");
        if (d.memory_desc_equal(outside, inside)) return;
        check(d.memory_create(&outside_, outside, engine(), nullptr), "memory");
        bytes_ = d.memory_desc_get_size(inside);
        const bool in = direction == kIn;
        PrimitiveDesc* made = nullptr;
        check(d.reorder_primitive_desc_create(&made, in ? outside : inside, engine(), in ? inside : outside, engine(),
                                              nullptr),
              "reorder");
        change_ = make(made);
    }

    // The kernel's memory for this data; of an input, filled.
    Memory* begin(void* data) const {
        const OneDnn& d = onednn();
        if (change_ == nullptr) {
            check(d.memory_set_data_handle(inside_, data), "memory");
            return inside_;
        }
        check(d.memory_set_data_handle(outside_, data), "memory");
        check(d.memory_set_data_handle(inside_, scratch().take(bytes_)), "memory");
        if (direction_ == kIn) run(change_, {{kArgSrc, outside_}, {kArgDst, inside_}});
        return inside_;
    }

    // After the kernel: an output into MindSpore's layout.
    void end() const {
        if (change_ != nullptr && direction_ == kOut) run(change_, {{kArgSrc, inside_}, {kArgDst, outside_}});
    }

    // Scratch memory that `begin` takes.
    size_t bytes() const { return change_ == nullptr ? 0 : Scratch::padded(bytes_); }

  private:
    Direction direction_;
    Memory* inside_ = nullptr;
    Memory* outside_ = nullptr;
    Primitive* change_ = nullptr;
    size_t bytes_ = 0;
};

// Shapes of a convolution and the forward kernel, which the backward ones are derived from.
struct Shapes {
    Desc *x, *w, *y, *b;            // plain
    Desc *any_x, *any_w, *any_y;    // as the kernel likes, or channels last
    Geometry geometry;

    Shapes(const Dims& dx, const Dims& dw, const Dims& dy, const Geometry& given) : geometry(given) {
        const int64_t groups = dx[1] / dw[1];
        const Dims weights = groups == 1 ? dw : Dims{groups, dw[0] / groups, dw[1], dw[2], dw[3]};
        x = plain(dx);
        w = plain(weights);
        y = plain(dy);
        b = plain({dw[0]});
        // Blocked layouts fill channels up to whole blocks. Dense kernels lose more with that than channels last costs:
        // 35 channels at 256 x 256, 3 x 3: 97 ms forward and backward, 82 (one thread, AVX-512).
        const bool last = groups == 1 && dx[1] > kBlock && dx[1] % kBlock != 0;
        any_x = last ? channels_last(dx) : any(dx);
        any_w = any(weights);
        any_y = last ? channels_last(dy) : any(dy);
    }

    PrimitiveDesc* forward(bool bias) const {
        const Geometry& g = geometry;
        PrimitiveDesc* made = nullptr;
        check(onednn().convolution_forward_primitive_desc_create(
                  &made, engine(), kForwardTraining, kConvolutionDirect, any_x, any_w, bias ? b : nullptr, any_y,
                  g.strides.data(), g.dilates.data(), g.before.data(), g.after.data(), nullptr),
              "convolution");
        return made;
    }

  private:
    static constexpr int64_t kBlock = 16;

    static Desc* any(const Dims& dims) {
        Desc* made = nullptr;
        const int count = static_cast<int>(dims.size());
        check(onednn().memory_desc_create_with_tag(&made, count, dims.data(), kFloat32, kAnyLayout), "layout");
        return made;
    }

    static Desc* channels_last(const Dims& n) {
        Desc* made = nullptr;
        const Dims strides{n[1] * n[2] * n[3], 1, n[3] * n[1], n[1]};
        check(onednn().memory_desc_create_with_strides(&made, 4, n.data(), kFloat32, strides.data()), "layout");
        return made;
    }
};

const Desc* layout(const PrimitiveDesc* kernel, Query which) {
    return onednn().primitive_desc_query_md(kernel, which, 0);
}

struct Forward {
    Port x, w, y, b;
    Primitive* kernel;

    Forward(const Shapes& s, PrimitiveDesc* found)
        : x(s.x, layout(found, kSrc), Port::kIn),
          w(s.w, layout(found, kWeights), Port::kIn),
          y(s.y, layout(found, kDst), Port::kOut),
          b(s.b, s.b, Port::kIn),
          kernel(make(found)) {}

    Forward(const Shapes& s, bool bias) : Forward(s, s.forward(bias)) {}
};

struct Backward {
    Port dy_data, dy_weights, w, dx, x, dw, db;
    bool same_dy;
    Primitive *data, *weights;

    Backward(const Shapes& s, PrimitiveDesc* d, PrimitiveDesc* w_)
        : dy_data(s.y, layout(d, kDiffDst), Port::kIn),
          dy_weights(s.y, layout(w_, kDiffDst), Port::kIn),
          w(s.w, layout(d, kWeights), Port::kIn),
          dx(s.x, layout(d, kDiffSrc), Port::kOut),
          x(s.x, layout(w_, kSrc), Port::kIn),
          dw(s.w, layout(w_, kDiffWeights), Port::kOut),
          db(s.b, s.b, Port::kOut),
          same_dy(onednn().memory_desc_equal(layout(d, kDiffDst), layout(w_, kDiffDst)) != 0),
          data(make(d)),
          weights(make(w_)) {}

    static Backward of(const Shapes& s, bool bias) {
        const Geometry& g = s.geometry;
        PrimitiveDesc *forward = s.forward(bias), *d = nullptr, *w = nullptr;
        check(onednn().convolution_backward_data_primitive_desc_create(
                  &d, engine(), kConvolutionDirect, s.any_x, s.any_w, s.any_y, g.strides.data(), g.dilates.data(),
                  g.before.data(), g.after.data(), forward, nullptr),
              "gradient of the input");
        check(onednn().convolution_backward_weights_primitive_desc_create(
                  &w, engine(), kConvolutionDirect, s.any_x, s.any_w, bias ? s.b : nullptr, s.any_y, g.strides.data(),
                  g.dilates.data(), g.before.data(), g.after.data(), forward, nullptr),
              "gradient of the weights");
        check(onednn().primitive_desc_destroy(forward), "description");
        return Backward(s, d, w);
    }
};

// Kernels by all the shapes that a call came with.
template <class Kernels>
using Cache = std::map<Dims, Kernels>;

Dims dims(int64_t* shape) { return Dims(shape, shape + 4); }

Dims key(std::initializer_list<int64_t*> shapes, int64_t** geometry) {
    Dims all;
    for (int64_t* shape : shapes) all.insert(all.end(), shape, shape + 4);
    for (int i = 0; i < 4; ++i) all.insert(all.end(), geometry[i], geometry[i] + 2);
    return all;
}

template <class Kernels, class Make>
const Kernels& find(Cache<Kernels>& cache, Dims key, Make make) {
    auto found = cache.find(key);
    if (found == cache.end()) found = cache.emplace(std::move(key), make()).first;
    return found->second;
}

// x, w, [b], 4 of geometry -> y
void forward(bool bias, void** data, int64_t** shapes) {
    static Cache<Forward> plain_cache, bias_cache;
    const int g = bias ? 3 : 2, y = g + 4;
    const Forward& k = find(bias ? bias_cache : plain_cache, key({shapes[0], shapes[1], shapes[y]}, shapes + g), [&] {
        return Forward(Shapes(dims(shapes[0]), dims(shapes[1]), dims(shapes[y]), Geometry(shapes + g)), bias);
    });
    scratch().reserve(k.x.bytes() + k.w.bytes() + k.y.bytes());
    Memory *mx = k.x.begin(data[0]), *mw = k.w.begin(data[1]), *my = k.y.begin(data[y]);
    if (bias) run(k.kernel, {{kArgSrc, mx}, {kArgWeights, mw}, {kArgBias, k.b.begin(data[2])}, {kArgDst, my}});
    else run(k.kernel, {{kArgSrc, mx}, {kArgWeights, mw}, {kArgDst, my}});
    k.y.end();
}

// dy, x, w, [b], 4 of geometry -> dx, dw, [db]
void backward(bool bias, void** data, int64_t** shapes) {
    static Cache<Backward> plain_cache, bias_cache;
    const int g = bias ? 4 : 3, dx = g + 4;
    const Backward& k = find(bias ? bias_cache : plain_cache, key({shapes[0], shapes[1], shapes[2]}, shapes + g), [&] {
        return Backward::of(Shapes(dims(shapes[1]), dims(shapes[2]), dims(shapes[0]), Geometry(shapes + g)), bias);
    });
    const size_t second = (k.same_dy ? 0 : k.dy_weights.bytes()) + k.x.bytes() + k.dw.bytes();
    scratch().reserve(k.dy_data.bytes() + k.w.bytes() + std::max(k.dx.bytes(), second));
    Memory *dy = k.dy_data.begin(data[0]), *w = k.w.begin(data[2]);
    const size_t both = scratch().mark();
    run(k.data, {{kArgDiffDst, dy}, {kArgWeights, w}, {kArgDiffSrc, k.dx.begin(data[dx])}});
    k.dx.end();
    scratch().rewind(both);
    if (!k.same_dy) dy = k.dy_weights.begin(data[0]);
    Memory *x = k.x.begin(data[1]), *dw = k.dw.begin(data[dx + 1]);
    if (bias) {
        Memory* db = k.db.begin(data[dx + 2]);
        run(k.weights, {{kArgDiffDst, dy}, {kArgSrc, x}, {kArgDiffWeights, dw}, {kArgDiffBias, db}});
    } else {
        run(k.weights, {{kArgDiffDst, dy}, {kArgSrc, x}, {kArgDiffWeights, dw}});
    }
    k.dw.end();
}

}  // namespace

}  // namespace zoo

#define ZOO_OPERATOR(name, body)                                                                                       \
    extern "C" int name(int, void** data, int*, int64_t** shapes, const char**, void*, void*) {                        \
        return zoo::guarded([&] { body; });                                                                            \
    }

ZOO_OPERATOR(zoo_convolution, zoo::forward(false, data, shapes))
ZOO_OPERATOR(zoo_convolution_bias, zoo::forward(true, data, shapes))
ZOO_OPERATOR(zoo_convolution_gradients, zoo::backward(false, data, shapes))
ZOO_OPERATOR(zoo_convolution_bias_gradients, zoo::backward(true, data, shapes))
