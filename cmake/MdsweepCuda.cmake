# MDSWEEP_CUDA: where kernels (*.cu) come from, if from anywhere.
#   AUTO  a CUDA toolkit from 12.0 on when there is one, otherwise a complete build for the CPU alone
#   ON    the toolkit, or an error
#   OFF   no CUDA
#   SHIM  the host's compiler and tests/shim: cuda:0 runs on the CPU, for tests (docs/cuda.md)
# Sets MDS_CUDA_KIND (none, toolkit, shim) and MDS_BUILD_CUDA (for --version), defines MDS_WITH_CUDA
# for everything when there are kernels, and the library mds_cuda that layers with kernels link.
set(MDSWEEP_CUDA AUTO CACHE STRING "CUDA: AUTO, ON, OFF or SHIM")
set_property(CACHE MDSWEEP_CUDA PROPERTY STRINGS AUTO ON OFF SHIM)
set(MDSWEEP_CUDA_ARCHITECTURES "75;80;90" CACHE STRING
    "Compute capabilities to compile for; the last one as PTX too, for what comes after it")
option(MDSWEEP_SHIM_RACES "SHIM: watch every access of kernels, for races and strays (slower)" OFF)

set(MDS_CUDA_KIND none)
set(MDS_BUILD_CUDA "none")
string(TOUPPER "${MDSWEEP_CUDA}" cuda_wanted)
if(NOT cuda_wanted MATCHES "^(AUTO|ON|OFF|SHIM)$")
    message(FATAL_ERROR "MDSWEEP_CUDA is '${MDSWEEP_CUDA}'; it can be AUTO, ON, OFF or SHIM")
endif()

if(cuda_wanted STREQUAL AUTO AND (MDSWEEP_SANITIZE OR MDSWEEP_COVERAGE))
    set(cuda_wanted OFF) # nvcc has neither; the shim has both
endif()

if(cuda_wanted MATCHES "^(AUTO|ON)$")
    # Where toolkits lie that are not on PATH.
    if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
        find_program(MDSWEEP_NVCC nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME ENV CUDA_ROOT
                     PATHS /usr/local/cuda /opt/cuda ${PROJECT_SOURCE_DIR}/.cuda PATH_SUFFIXES bin)
        if(MDSWEEP_NVCC)
            set(CMAKE_CUDA_COMPILER ${MDSWEEP_NVCC})
        endif()
    endif()
    if(NOT CMAKE_CUDA_ARCHITECTURES)
        set(cuda_architectures ${MDSWEEP_CUDA_ARCHITECTURES})
        list(POP_BACK cuda_architectures cuda_last)
        list(TRANSFORM cuda_architectures APPEND -real)
        set(CMAKE_CUDA_ARCHITECTURES ${cuda_architectures} ${cuda_last})
    endif()
    include(CheckLanguage)
    check_language(CUDA)
    if(CMAKE_CUDA_COMPILER)
        enable_language(CUDA)
        find_package(CUDAToolkit)
    endif()
    if(CMAKE_CUDA_COMPILER AND CUDAToolkit_FOUND AND TARGET CUDA::cublas AND
       CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.0)
        set(MDS_CUDA_KIND toolkit)
        string(REPLACE ";" " " MDS_BUILD_CUDA
               "${CMAKE_CUDA_COMPILER_VERSION} for ${MDSWEEP_CUDA_ARCHITECTURES}")
        message(STATUS "CUDA: ${MDS_BUILD_CUDA} (${CMAKE_CUDA_COMPILER})")
    elseif(cuda_wanted STREQUAL ON)
        message(FATAL_ERROR
            "MDSWEEP_CUDA=ON needs the CUDA Toolkit from 12.0 on: nvcc, the runtime's headers and cuBLAS "
            "(Debian and Ubuntu: cuda-toolkit of NVIDIA's repository; Spack: cuda; without root: "
            "scripts/install-cuda.sh; a site's module). If it lies elsewhere: "
            "-DCMAKE_CUDA_COMPILER=/path/to/nvcc. Found: '${CMAKE_CUDA_COMPILER}' "
            "${CMAKE_CUDA_COMPILER_VERSION}")
    else()
        message(STATUS "CUDA: no toolkit from 12.0 on; building for the CPU alone")
    endif()
elseif(cuda_wanted STREQUAL SHIM)
    enable_language(CXX)
    set(MDS_CUDA_KIND shim)
    set(MDS_BUILD_CUDA "shim")
    message(STATUS "CUDA: the shim (kernels run on the host, for tests)")
else()
    message(STATUS "CUDA: off")
endif()

if(NOT MDS_CUDA_KIND STREQUAL none)
    add_compile_definitions(MDS_WITH_CUDA)
    set(CMAKE_CXX_STANDARD 17)
    set(CMAKE_CUDA_STANDARD 17)
    add_library(mds_cuda INTERFACE)
endif()

if(MDS_CUDA_KIND STREQUAL toolkit)
    # The host's half of a .cu file gets the warnings that nvcc's own glue code bears; -fno-math-errno
    # lets it inline sqrt(). ptxas says in the build's log when registers spill.
    target_compile_options(mds_cuda INTERFACE
        $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wno-unused-parameter,-fno-math-errno
                                   --fmad=true -Xptxas=-warn-spills -Wno-deprecated-gpu-targets>)
    if(MDSWEEP_WERROR)
        target_compile_options(mds_cuda INTERFACE
            $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Werror --Werror=cross-execution-space-call>)
    endif()
    target_link_libraries(mds_cuda INTERFACE CUDA::cudart_static CUDA::cublas)
elseif(MDS_CUDA_KIND STREQUAL shim)
    target_include_directories(mds_cuda SYSTEM INTERFACE ${PROJECT_SOURCE_DIR}/tests/shim/include)
    target_link_libraries(mds_cuda INTERFACE mds_shim)
endif()

# *.cu below `folder`, to be compiled by whatever MDS_CUDA_KIND says; empty without CUDA.
function(mds_cuda_sources out folder)
    set(${out} "" PARENT_SCOPE)
    if(MDS_CUDA_KIND STREQUAL none)
        return()
    endif()
    file(GLOB_RECURSE kernels CONFIGURE_DEPENDS ${folder}/*.cu)
    mds_cuda_language(${kernels})
    set(${out} ${kernels} PARENT_SCOPE)
endfunction()

function(mds_cuda_language)
    if(MDS_CUDA_KIND STREQUAL shim AND ARGN)
        set(options -x c++ -Wno-unused-function -Wno-unknown-pragmas)
        if(MDSWEEP_SHIM_RACES)
            # Only the calls before each access, which the shim answers; not ThreadSanitizer itself.
            list(APPEND options -fsanitize=thread --param=tsan-distinguish-volatile=1)
        endif()
        if(MDSWEEP_SANITIZE MATCHES address)
            list(APPEND options -fsanitize-sections=mds_shared)
        endif()
        set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "${options}")
    endif()
endfunction()
