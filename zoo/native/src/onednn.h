// The few functions of oneDNN's C interface (version 3) that are called here, found in the library that MindSpore
// has loaded. Nothing of oneDNN is needed to compile this: types are opaque, numbers are those of its documentation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace zoo {

struct Engine;
struct Stream;
struct Desc;           // of memory: shape, type, layout
struct Memory;
struct PrimitiveDesc;  // of a primitive: which kernel, which layouts
struct Primitive;

struct ExecArg {
    int arg;
    Memory* memory;
};

struct Version {
    int major, minor, patch;
    const char* hash;
    unsigned cpu_runtime, gpu_runtime;
};

constexpr int kFloat32 = 3;
constexpr int kAnyLayout = 1;
constexpr int kForwardTraining = 64;
constexpr int kConvolutionDirect = 1;
constexpr int kCpu = 1;
constexpr int kRuntimeThreadPool = 8;
constexpr int kAllInstructions = 0;

enum Query { kImplementation = 8, kSrc = 129, kDiffSrc = 130, kWeights = 131, kDiffWeights = 132, kDst = 133,
             kDiffDst = 134 };

enum Arg { kArgSrc = 1, kArgDst = 17, kArgWeights = 33, kArgBias = 41, kArgDiffSrc = 129, kArgDiffDst = 145,
           kArgDiffWeights = 161, kArgDiffBias = 169 };

// A pool of threads as oneDNN calls it; the order of the virtual functions is the interface.
struct ThreadPool {
    virtual int get_num_threads() const = 0;
    virtual bool get_in_parallel() const = 0;
    virtual void parallel_for(int n, const std::function<void(int, int)>& task) = 0;
    virtual uint64_t get_flags() const = 0;
    virtual void wait() = 0;
    virtual ~ThreadPool() = default;
};

// Name in this program, result, arguments; the name in the library has "dnnl_" before it.
#define ZOO_ONEDNN_FUNCTIONS(X)                                                                                        \
    X(version, const Version*, ())                                                                                     \
    X(engine_create, int, (Engine**, int kind, size_t index))                                                          \
    X(set_max_cpu_isa, int, (int))                                                                                     \
    X(threadpool_interop_stream_create, int, (Stream**, Engine*, void* pool))                                          \
    X(threadpool_interop_set_max_concurrency, int, (int))                                                              \
    X(threadpool_interop_get_max_concurrency, int, (int*))                                                             \
    X(memory_desc_create_with_tag, int, (Desc**, int ndims, const int64_t* dims, int type, int tag))                   \
    X(memory_desc_create_with_strides, int, (Desc**, int ndims, const int64_t* dims, int type, const int64_t*))        \
    X(memory_desc_clone, int, (Desc**, const Desc*))                                                                   \
    X(memory_desc_destroy, int, (Desc*))                                                                               \
    X(memory_desc_equal, int, (const Desc*, const Desc*))                                                              \
    X(memory_desc_get_size, size_t, (const Desc*))                                                                     \
    X(memory_create, int, (Memory**, const Desc*, Engine*, void* data))                                                \
    X(memory_set_data_handle, int, (Memory*, void* data))                                                              \
    X(reorder_primitive_desc_create, int,                                                                              \
      (PrimitiveDesc**, const Desc* from, Engine*, const Desc* to, Engine*, const void* attributes))                   \
    X(convolution_forward_primitive_desc_create, int,                                                                  \
      (PrimitiveDesc**, Engine*, int kind, int algorithm, const Desc* src, const Desc* weights, const Desc* bias,      \
       const Desc* dst, const int64_t* strides, const int64_t* dilates, const int64_t* before, const int64_t* after,   \
       const void* attributes))                                                                                        \
    X(convolution_backward_data_primitive_desc_create, int,                                                            \
      (PrimitiveDesc**, Engine*, int algorithm, const Desc* diff_src, const Desc* weights, const Desc* diff_dst,       \
       const int64_t* strides, const int64_t* dilates, const int64_t* before, const int64_t* after,                    \
       const PrimitiveDesc* forward, const void* attributes))                                                          \
    X(convolution_backward_weights_primitive_desc_create, int,                                                         \
      (PrimitiveDesc**, Engine*, int algorithm, const Desc* src, const Desc* diff_weights, const Desc* diff_bias,      \
       const Desc* diff_dst, const int64_t* strides, const int64_t* dilates, const int64_t* before,                    \
       const int64_t* after, const PrimitiveDesc* forward, const void* attributes))                                    \
    X(primitive_desc_query, int, (const PrimitiveDesc*, int what, int index, void* result))                            \
    X(primitive_desc_query_md, const Desc*, (const PrimitiveDesc*, int what, int index))                               \
    X(primitive_desc_destroy, int, (PrimitiveDesc*))                                                                   \
    X(primitive_create, int, (Primitive**, const PrimitiveDesc*))                                                      \
    X(primitive_execute, int, (const Primitive*, Stream*, int count, const ExecArg*))

struct OneDnn {
#define ZOO_DECLARE(name, result, arguments) result(*name) arguments;
    ZOO_ONEDNN_FUNCTIONS(ZOO_DECLARE)
#undef ZOO_DECLARE
};

// Look the functions up in the library of that path; throws std::runtime_error where one is missing.
void open_onednn(const char* path);

// The functions; throws std::runtime_error before `open_onednn`.
const OneDnn& onednn();

}  // namespace zoo
