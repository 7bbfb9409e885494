#include "session.h"

#include <cstdlib>
#include <mutex>

#include "pool.h"

namespace zoo {

namespace {

std::string last_error;

Stream* stream() {
    static Stream* stream = nullptr;
    static Pool* of = nullptr;
    if (of != &pool()) {
        of = &pool();
        check(onednn().threadpool_interop_stream_create(&stream, engine(), static_cast<ThreadPool*>(of)), "stream");
    }
    return stream;
}

// Kernels are made for as many threads as oneDNN believes there to be, a number that each thread keeps for itself.
class Threads {
  public:
    Threads() {
        onednn().threadpool_interop_get_max_concurrency(&before_);
        onednn().threadpool_interop_set_max_concurrency(pool().get_num_threads());
    }
    ~Threads() { onednn().threadpool_interop_set_max_concurrency(before_); }

  private:
    int before_ = 1;
};

}  // namespace

void check(int status, const char* what) {
    if (status != 0) throw std::runtime_error("oneDNN: " + std::string(what) + ": status " + std::to_string(status));
}

Engine* engine() {
    static Engine* engine = [] {
        Engine* made = nullptr;
        check(onednn().engine_create(&made, kCpu, 0), "engine");
        return made;
    }();
    return engine;
}

Primitive* make(PrimitiveDesc* description) {
    Primitive* made = nullptr;
    check(onednn().primitive_create(&made, description), "kernel");
    check(onednn().primitive_desc_destroy(description), "description");
    return made;
}

void run(const Primitive* kernel, std::initializer_list<ExecArg> arguments) {
    check(onednn().primitive_execute(kernel, stream(), static_cast<int>(arguments.size()), arguments.begin()), "run");
}

void Scratch::reserve(size_t bytes) {
    if (bytes <= size_) return;
    std::free(block_);
    block_ = static_cast<char*>(std::aligned_alloc(kLine, padded(bytes)));
    size_ = block_ == nullptr ? 0 : padded(bytes);
    if (block_ == nullptr) throw std::runtime_error("not enough memory");
}

void* Scratch::take(size_t bytes) {
    char* const found = block_ + used_;
    used_ += padded(bytes);
    if (used_ > size_) throw std::runtime_error("more scratch memory taken than reserved");
    return found;
}

Scratch& scratch() {
    static Scratch memory;
    return memory;
}

Desc* plain(const std::vector<int64_t>& dims) {
    std::vector<int64_t> strides(dims.size(), 1);
    for (size_t i = dims.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * dims[i];
    Desc* made = nullptr;
    const int count = static_cast<int>(dims.size());
    check(onednn().memory_desc_create_with_strides(&made, count, dims.data(), kFloat32, strides.data()), "layout");
    return made;
}

int guarded(const std::function<void()>& body) {
    std::lock_guard<std::mutex> lock(operator_mutex());
    int status = 0;
    try {
        const Threads all;
        body();
    } catch (const std::exception& error) {
        last_error = error.what();
        status = 1;
    }
    scratch().rewind(0);
    return status;
}

}  // namespace zoo

using namespace zoo;

// Open oneDNN. all_instructions: use what the processor has, whatever ONEDNN_MAX_CPU_ISA says; for a copy of the
// library that MindSpore does not use. Returns 0, or 1 with a message in zoo_native_error.
extern "C" int zoo_native_open(const char* path, int all_instructions) {
    static bool opened = false;  // how far instructions go cannot be set again
    if (opened) return 0;
    try {
        open_onednn(path);
        const Version* version = onednn().version();
        const bool known = version->major == 3 && version->minor == 10 && version->cpu_runtime == kRuntimeThreadPool;
        if (!known) {
            throw std::runtime_error("oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) +
                                     " is there; 3.10 with its thread pool runtime is what this is written for");
        }
        if (all_instructions) check(onednn().set_max_cpu_isa(kAllInstructions), "instruction set");
        opened = true;
        return 0;
    } catch (const std::exception& error) {
        last_error = error.what();
        return 1;
    }
}

extern "C" const char* zoo_native_error() { return last_error.c_str(); }
