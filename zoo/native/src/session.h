// What all operators share: engine, stream, scratch memory, and how kernels are made and run.
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

#include "onednn.h"

namespace zoo {

// Throws std::runtime_error unless oneDNN's status is success.
void check(int status, const char* what);

Engine* engine();

// Make a kernel for all threads of the pool; the description is given up.
Primitive* make(PrimitiveDesc* description);

// Run a kernel and wait for it.
void run(const Primitive* kernel, std::initializer_list<ExecArg> arguments);

// Memory for what kernels want in another layout, the same for all operators, as large as the largest needs.
class Scratch {
  public:
    // Before anything is taken: make room for so many bytes, each piece counted by `padded`.
    void reserve(size_t bytes);
    void* take(size_t bytes);

    // Everything taken since `mark` may be overwritten.
    size_t mark() const { return used_; }
    void rewind(size_t mark) { used_ = mark; }

    static size_t padded(size_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

  private:
    static constexpr size_t kLine = 4096;

    char* block_ = nullptr;
    size_t size_ = 0, used_ = 0;
};

Scratch& scratch();

// Description of a plain tensor: dimensions in their order, float32.
Desc* plain(const std::vector<int64_t>& dims);

// Run an operator's body: one at a time, errors to a message and a status that MindSpore reports.
int guarded(const std::function<void()>& body);

}  // namespace zoo
