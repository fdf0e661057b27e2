// A store on a disk of its own, in memory or RocksDB's, and customers to put into it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/state/memory_key_value.h"
#include "daemon/state/rocks_key_value.h"
#include "daemon/state/store.h"

namespace huitou {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/huitou-store-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::unique_ptr<Store> MustOpen(std::unique_ptr<KeyValue> key_value, uint16_t shards = 4) {
  StoreOptions options;
  options.shards = shards;
  auto store = Store::Open(std::move(key_value), options);
  EXPECT_TRUE(store.ok()) << store.status().message();
  return store.ok() ? *std::move(store) : nullptr;
}

inline std::unique_ptr<KeyValue> Rocks(const std::string& directory) {
  RocksOptions options;
  options.directory = directory;
  auto opened = OpenRocks(options);
  EXPECT_TRUE(opened.ok()) << opened.status().message();
  return opened.ok() ? *std::move(opened) : nullptr;
}

// Its stories are told by both kinds of store.
class StoreTest : public testing::TestWithParam<bool> {
 protected:
  StoreTest() { Reopen(); }
  void Reopen() {
    store_.reset();
    store_ = MustOpen(Raw());
  }
  std::unique_ptr<KeyValue> Raw() {
    return GetParam() ? Rocks(folder_.path()) : std::make_unique<MemoryKeyValue>(disk_);
  }
  std::vector<std::string> Reached(ShardNumber shard, CampaignSet::Contact kind,
                                   const std::string& address, const std::string& after = "") {
    std::vector<std::string> customers;
    EXPECT_TRUE(
        store_->FindByAddress(shard, AddressHash(kind, address), after, 100, &customers).ok());
    return customers;
  }
  Status Commit(CommitBatch* batch, ShardNumber shard = 1) {
    batch->state = &state_;
    return store_->Commit(shard, batch);
  }

  Folder folder_;
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::unique_ptr<Store> store_;
  ShardState state_;
};

// What an event that names these does.
inline void Reach(Customer* customer, const Contacts& contacts) {
  static_cast<Contacts&>(customer->MutableProfile()) = contacts;
  customer->profile_changed = true;
  if (customer->contacts_before == nullptr) {
    customer->contacts_before = std::make_unique<ContactsBefore>();
  }
}

inline Customer Buyer(const std::string& id, uint32_t orders) {
  Customer customer;
  customer.id = id;
  customer.activity.orders = orders;
  customer.activity_changed = true;
  return customer;
}

}  // namespace huitou
