// Measures what a machine can do at most, on THREADS threads at once:
//   roofs THREADS BYTES...
// prints, for each BYTES (a multiple of 256), the GB/s of updating so many bytes a thread in place, over and over (each
// byte is read and written, and counts twice), and at last the GFlop/s of fused multiply-adds that never leave the registers.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

typedef float wide __attribute__((vector_size(64), aligned(64), may_alias));
typedef std::chrono::steady_clock clock_;

const int repeats = 5;
volatile float sink;

double update(wide *x, long n, long passes)
{
    wide keep = {}, step = {};
    keep += 0.999f;
    step += 0.001f;
    for (long pass = 0; pass < passes; ++pass)
    {
        for (long k = 0; k < n; k += 4)
        {
            wide a = x[k], b = x[k + 1], c = x[k + 2], d = x[k + 3];
            x[k] = keep * a + step, x[k + 1] = keep * b + step;
            x[k + 2] = keep * c + step, x[k + 3] = keep * d + step;
        }
        asm volatile("" ::: "memory"); // a pass is a pass: none is merged with the next
    }
    return 2.0 * sizeof(wide) * n * passes;
}

double multiply_add(long passes)
{
    wide keep = {}, step = {}, x[12] = {};
    keep += 0.999f;
    step += 0.001f;
    for (long pass = 0; pass < passes; ++pass)
        for (auto &one : x)
            one = keep * one + step;
    for (auto &one : x)
        sink = one[0];
    return 2.0 * 12 * (sizeof(wide) / sizeof(float)) * passes;
}

// The most of `work`'s units a second that all threads together reach, of some repeats.
double best(int threads, const std::function<std::function<double()>()> &prepare)
{
    std::vector<double> most(repeats, 0);
    for (int repeat = 0; repeat < repeats; ++repeat)
    {
        std::atomic<int> ready(0);
        std::vector<double> units(threads);
        std::vector<clock_::time_point> begin(threads), end(threads);
        std::vector<std::thread> pool;
        for (int t = 0; t < threads; ++t)
            pool.emplace_back([&, t] {
                auto work = prepare();
                for (++ready; ready < threads;)
                    ;
                begin[t] = clock_::now();
                units[t] = work();
                end[t] = clock_::now();
            });
        for (auto &one : pool)
            one.join();
        std::chrono::duration<double> seconds = *std::max_element(end.begin(), end.end()) -
                                                *std::min_element(begin.begin(), begin.end());
        for (double one : units)
            most[repeat] += one / seconds.count();
    }
    return *std::max_element(most.begin(), most.end());
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int threads = std::stoi(argv[1]);
    for (int argument = 2; argument < argc; ++argument)
    {
        long bytes = std::stol(argv[argument]), passes = std::max(1L, (1L << 31) / bytes);
        std::cout << best(threads, [=] {
            std::shared_ptr<void> data(std::aligned_alloc(64, bytes), std::free);
            std::memset(data.get(), 0, bytes);
            return [=] { return update(static_cast<wide *>(data.get()), bytes / sizeof(wide), passes); };
        }) / 1e9 << std::endl;
    }
    std::cout << best(threads, [] { return [] { return multiply_add(20000000); }; }) / 1e9 << std::endl;
}
