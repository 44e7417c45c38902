# Compiles with `zig cc` for another platform: tools/wheels.py sets $ZIG, the program, and $ZIG_TARGET, for instance
# aarch64-linux-gnu.2.17 (the newest glibc whose symbols may be used).
string(REGEX MATCH "^([^-]+)-([^-.]+)" _ "$ENV{ZIG_TARGET}")
set(CMAKE_SYSTEM_PROCESSOR ${CMAKE_MATCH_1})
if(CMAKE_MATCH_2 STREQUAL "macos")
  set(CMAKE_SYSTEM_NAME Darwin)
elseif(CMAKE_MATCH_2 STREQUAL "windows")
  set(CMAKE_SYSTEM_NAME Windows)
else()
  set(CMAKE_SYSTEM_NAME Linux)
endif()
set(CMAKE_C_COMPILER "$ENV{ZIG}" cc -target "$ENV{ZIG_TARGET}")
set(CMAKE_SHARED_LINKER_FLAGS_INIT -s)
