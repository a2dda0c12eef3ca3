// The memory of a large fresh result, asked for in large parts: left to itself, every page of 4 KB is a fault.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace {

// Maps [at, at + bytes), where nothing is changed, in pages of 2 MB as long as these come no slower than small ones: the
// host of a virtual machine may have taken the large ones back, and then takes ten times as long to find them again.
inline void pages(char *at, int64_t bytes) {
#if defined(MADV_POPULATE_WRITE) && defined(MADV_HUGEPAGE)
    using clock = std::chrono::steady_clock;
    constexpr uintptr_t LARGE = 1 << 21, PART = 8 * LARGE;
    uintptr_t from = (reinterpret_cast<uintptr_t>(at) + LARGE - 1) / LARGE * LARGE;
    uintptr_t end = (reinterpret_cast<uintptr_t>(at) + bytes) / LARGE * LARGE;
    double small = 0;  // seconds a byte
    bool large = true;
    for (uintptr_t part = from; part < end; part += PART) {
        uintptr_t size = std::min(PART, end - part);
        auto start = clock::now();
        if (small > 0 && large) madvise(reinterpret_cast<void *>(part), size, MADV_HUGEPAGE);
        if (madvise(reinterpret_cast<void *>(part), size, MADV_POPULATE_WRITE)) return;  // an older kernel: faults
        double took = std::chrono::duration<double>(clock::now() - start).count() / double(size);
        if (small == 0) small = took;
        else if (took > small) large = false;
    }
#else
    (void)at, (void)bytes;
#endif
}

}  // namespace
