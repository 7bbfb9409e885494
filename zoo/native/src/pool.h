// The threads that kernels run on: one for each processor that this process may use, the caller among them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "onednn.h"

namespace zoo {

class Pool : public ThreadPool {
  public:
    explicit Pool(int threads);

    // Runs task(i, n) for each i below n and waits for all. One caller at a time.
    void parallel_for(int n, const std::function<void(int, int)>& task) override;

    int get_num_threads() const override { return threads_; }
    bool get_in_parallel() const override;
    uint64_t get_flags() const override { return 0; }
    void wait() override {}

  private:
    void work();
    bool take(uint32_t job);

    const int threads_;
    const std::function<void(int, int)>* task_ = nullptr;
    // Number of the job (32 bits), how many parts it has (16), the next part to be taken (16), all in one: an exchange
    // claims a part of this very job, so that a thread that wakes up late can touch nothing of a later one.
    std::atomic<uint64_t> ticket_{0};
    std::atomic<uint32_t> left_{0};
    std::atomic<int> sleeping_{0};
    std::mutex mutex_;
    std::condition_variable wake_;
};

// The pool of this process. A child made by fork has none of its parent's threads and gets its own.
Pool& pool();

// Held while an operator runs: MindSpore may launch two at once, and there is one pool and one scratch memory.
std::mutex& operator_mutex();

// How many processors this process may use.
int processors();

}  // namespace zoo
