#include "tests/storage/journal/watched_disk.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>

namespace ami::storage::testing {
namespace {

// SQLite makes the memory of a file: szOsFile bytes, ours in front of those of the system's file.
struct File {
  sqlite3_file base;
  char name[64];
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

struct Disk {
  sqlite3_vfs vfs{};
  sqlite3_vfs* system = nullptr;
  WatchedDisk::Watch watch;
};
std::unique_ptr<Disk> disk;  // what SQLite's C functions can reach

File* of(sqlite3_file* file) {
  return reinterpret_cast<File*>(file);
}

int ask(const DiskChange& change, sqlite3_file* real) {
  const auto verdict = disk->watch(change);
  if (verdict.dies_after) {
    if (change.kind == DiskChange::Kind::Write && *verdict.dies_after > 0) {
      real->pMethods->xWrite(real, change.data.data(), static_cast<int>(*verdict.dies_after),
                             static_cast<sqlite3_int64>(change.offset));
    }
    _exit(137);
  }
  return verdict.error;
}

int close_file(sqlite3_file* file) {
  return of(file)->real()->pMethods->xClose(of(file)->real());
}
int read_file(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
  return of(file)->real()->pMethods->xRead(of(file)->real(), into, size, offset);
}
int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  auto* real = of(file)->real();
  const DiskChange change{DiskChange::Kind::Write, of(file)->name, static_cast<std::uint64_t>(offset),
                          std::string(static_cast<const char*>(from), static_cast<std::size_t>(size))};
  const int error = ask(change, real);
  return error != 0 ? error : real->pMethods->xWrite(real, from, size, offset);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  auto* real = of(file)->real();
  const int error =
      ask({DiskChange::Kind::Truncate, of(file)->name, static_cast<std::uint64_t>(size), {}}, real);
  return error != 0 ? error : real->pMethods->xTruncate(real, size);
}
int sync_file(sqlite3_file* file, int flags) {
  auto* real = of(file)->real();
  const int error = ask({DiskChange::Kind::Sync, of(file)->name, 0, {}}, real);
  return error != 0 ? error : real->pMethods->xSync(real, flags);
}
int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  return of(file)->real()->pMethods->xFileSize(of(file)->real(), size);
}
int lock_file(sqlite3_file* file, int lock) {
  return of(file)->real()->pMethods->xLock(of(file)->real(), lock);
}
int unlock_file(sqlite3_file* file, int lock) {
  return of(file)->real()->pMethods->xUnlock(of(file)->real(), lock);
}
int check_lock(sqlite3_file* file, int* result) {
  return of(file)->real()->pMethods->xCheckReservedLock(of(file)->real(), result);
}
int control_file(sqlite3_file* file, int operation, void* argument) {
  return of(file)->real()->pMethods->xFileControl(of(file)->real(), operation, argument);
}
int sector_size(sqlite3_file* file) {
  return of(file)->real()->pMethods->xSectorSize(of(file)->real());
}
int traits(sqlite3_file* file) {
  return of(file)->real()->pMethods->xDeviceCharacteristics(of(file)->real());
}

// Version 1: no shared memory, which a journal of one user does not need.
const sqlite3_io_methods kMethods{
    1,         close_file,  read_file,  write_file,   truncate_file, sync_file, size_of_file,
    lock_file, unlock_file, check_lock, control_file, sector_size,   traits,    nullptr,
    nullptr,   nullptr,     nullptr,    nullptr,      nullptr};

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out) {
  auto* made = new (file) File{};
  const char* last = path == nullptr ? nullptr : std::strrchr(path, '/');
  std::strncpy(made->name, last == nullptr ? "temporary" : last + 1, sizeof made->name - 1);
  const int code = disk->system->xOpen(disk->system, path, made->real(), flags, out);
  made->base.pMethods = made->real()->pMethods == nullptr ? nullptr : &kMethods;
  return code;
}
int delete_file(sqlite3_vfs*, const char* path, int sync) {
  const char* last = std::strrchr(path, '/');
  const int error = ask({DiskChange::Kind::Delete, last == nullptr ? path : last + 1, 0, {}}, nullptr);
  return error != 0 ? error : disk->system->xDelete(disk->system, path, sync);
}

}  // namespace

WatchedDisk::WatchedDisk(Watch watch) {
  if (disk) throw std::logic_error("one watched disk at a time");
  disk = std::make_unique<Disk>();
  disk->watch = std::move(watch);
  disk->system = sqlite3_vfs_find("unix");
  disk->vfs = *disk->system;
  disk->vfs.pNext = nullptr;
  disk->vfs.zName = name();
  disk->vfs.szOsFile = static_cast<int>(sizeof(File)) + disk->system->szOsFile;
  disk->vfs.xOpen = open_file;
  disk->vfs.xDelete = delete_file;
  sqlite3_vfs_register(&disk->vfs, 0);
}

WatchedDisk::~WatchedDisk() {
  sqlite3_vfs_unregister(&disk->vfs);
  disk.reset();
}

}  // namespace ami::storage::testing
