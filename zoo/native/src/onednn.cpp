#include "onednn.h"

#include <dlfcn.h>

#include <stdexcept>
#include <string>

namespace zoo {

namespace {

OneDnn table;
bool opened = false;

}  // namespace

void open_onednn(const char* path) {
    // Local, so that a second copy of the library and the one that MindSpore has loaded do not see each other.
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
#define ZOO_FIND(name, result, arguments)                                                          \
    table.name = reinterpret_cast<result(*) arguments>(dlsym(library, "dnnl_" #name));             \
    if (table.name == nullptr) throw std::runtime_error("oneDNN has no function dnnl_" #name);
    ZOO_ONEDNN_FUNCTIONS(ZOO_FIND)
#undef ZOO_FIND
    opened = true;
}

const OneDnn& onednn() {
    if (!opened) throw std::runtime_error("oneDNN was not opened");
    return table;
}

}  // namespace zoo
