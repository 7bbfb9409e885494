#include "pool.h"

#include <sched.h>
#include <unistd.h>

#include <memory>

namespace zoo {

namespace {

// Waiting threads look again this often, about 50 microseconds, before they sleep: the kernels of one operator follow
// each other within a few, but between operators the processors belong to MindSpore.
constexpr int kLooks = 1500;

thread_local bool inside = false;

void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

constexpr uint64_t kMostParts = 0xffff;

uint32_t job_of(uint64_t ticket) { return static_cast<uint32_t>(ticket >> 32); }
uint32_t count_of(uint64_t ticket) { return static_cast<uint32_t>(ticket >> 16 & kMostParts); }
uint32_t part_of(uint64_t ticket) { return static_cast<uint32_t>(ticket & kMostParts); }

}  // namespace

int processors() {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    return static_cast<int>(std::thread::hardware_concurrency());
}

Pool::Pool(int threads) : threads_(threads) {
    for (int i = 1; i < threads; ++i) std::thread([this] { work(); }).detach();
}

bool Pool::get_in_parallel() const { return inside; }

bool Pool::take(uint32_t job) {
    uint64_t ticket = ticket_.load(std::memory_order_acquire);
    for (;;) {
        if (job_of(ticket) != job || part_of(ticket) == count_of(ticket)) return false;
        if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel)) continue;
        inside = true;
        (*task_)(static_cast<int>(part_of(ticket)), static_cast<int>(count_of(ticket)));
        inside = false;
        left_.fetch_sub(1, std::memory_order_acq_rel);
        return true;
    }
}

void Pool::parallel_for(int n, const std::function<void(int, int)>& task) {
    if (n == 1 || threads_ == 1 || inside || static_cast<uint64_t>(n) > kMostParts) {
        for (int i = 0; i < n; ++i) task(i, n);
        return;
    }
    const uint32_t job = job_of(ticket_.load(std::memory_order_relaxed)) + 1;
    task_ = &task;
    left_.store(static_cast<uint32_t>(n), std::memory_order_relaxed);
    const uint64_t all = static_cast<uint64_t>(job) << 32 | static_cast<uint64_t>(n) << 16;
    ticket_.store(all, std::memory_order_seq_cst);
    if (sleeping_.load(std::memory_order_seq_cst) > 0) {
        std::lock_guard<std::mutex> lock(mutex_);
        wake_.notify_all();
    }
    while (take(job)) {
    }
    for (int looks = 0; left_.load(std::memory_order_acquire) != 0; ++looks) {
        if (looks < kLooks) pause();
        else std::this_thread::yield();
    }
}

void Pool::work() {
    uint32_t done = 0;
    for (;;) {
        int looks = 0;
        while (job_of(ticket_.load(std::memory_order_acquire)) == done && ++looks < kLooks) pause();
        if (looks == kLooks) {
            std::unique_lock<std::mutex> lock(mutex_);
            sleeping_.fetch_add(1, std::memory_order_seq_cst);
            wake_.wait(lock, [&] { return job_of(ticket_.load(std::memory_order_seq_cst)) != done; });
            sleeping_.fetch_sub(1, std::memory_order_seq_cst);
        }
        done = job_of(ticket_.load(std::memory_order_acquire));
        while (take(done)) {
        }
    }
}

namespace {

std::mutex mutex_of_operators;
Pool* current = nullptr;

void forget() {
    // What a fork left in the child: a pool without threads, perhaps a locked mutex. Neither can be used or freed.
    current = nullptr;
    new (&mutex_of_operators) std::mutex;
}

}  // namespace

std::mutex& operator_mutex() { return mutex_of_operators; }

Pool& pool() {
    static const int registered = pthread_atfork(nullptr, nullptr, forget);
    (void)registered;
    if (current == nullptr) current = new Pool(processors());
    return *current;
}

}  // namespace zoo
