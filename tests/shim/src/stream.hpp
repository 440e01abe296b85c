// Inside of streams and graphs.
#ifndef MDS_SHIM_STREAM_HPP
#define MDS_SHIM_STREAM_HPP

#include "shim.hpp"

#include <thread>

struct CUgraphNode_st {
    shim::OpPointer op;
};

struct CUgraph_st {
    std::vector<std::shared_ptr<CUgraphNode_st>> nodes;
    bool invalid = false;
    cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
    std::thread::id thread; // that began the capture
};

struct CUgraphExec_st {
    std::vector<shim::OpPointer> ops;
};

struct CUstream_st {
    struct Item {
        uint64_t place;
        shim::OpPointer op;
    };
    int device = 0;
    bool blocking = true, legacy = false, origin = false; // origin: its own capture, not joined
    std::deque<Item> queue;
    std::shared_ptr<CUgraph_st> capture;
};

struct CUevent_st {
    std::shared_ptr<shim::Event> state;
};

namespace shim
{

std::set<CUstream_st *> &streams(); // all that live

} // namespace shim

#endif
