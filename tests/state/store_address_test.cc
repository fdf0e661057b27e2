// From an address to the customers who have it.
#include <gtest/gtest.h>

#include "daemon/state/keys.h"
#include "tests/state/store_support.h"
#include "triggers/activity.h"

namespace huitou {
namespace {

using Contact = CampaignSet::Contact;
using Names = std::set<std::string>;

constexpr char kContactId[] = "external_userid";

class StoreAddressTest : public StoreTest {
 protected:
  // How many customers were indexed on the way.
  uint64_t ReopenWith(std::optional<Names> attributes) {
    store_.reset();
    uint64_t indexed = 0;
    StoreOptions options;
    options.address_attributes = std::move(attributes);
    options.on_indexing = [&](uint64_t done) { indexed = done; };
    store_ = Store::Open(Raw(), options).value();
    return indexed;
  }
  std::vector<std::string> ReachedBy(const std::string& attribute, const std::string& address) {
    std::vector<std::string> customers;
    EXPECT_TRUE(
        store_->FindByAddress(1, AttributeHash(attribute, address), "", 100, &customers).ok());
    return customers;
  }
  // As events that say so would, each with a commit of its own; empty: it is taken away.
  void Say(Customer* customer, const std::string& attribute, const std::string& text) {
    Shop shop;
    shop.address_attributes = {attribute};
    KeepAddresses(shop, customer);
    SetAttribute(&customer->MutableProfile(), attribute,
                 text.empty() ? cel::Value::Null() : cel::Value::String(text));
    customer->profile_changed = true;
    CommitBatch batch;
    batch.customers = {customer};
    ASSERT_TRUE(Commit(&batch).ok());
    customer->contacts_before.reset();
  }
  size_t KeysOfAddresses() {
    store_.reset();
    size_t keys = 0;
    EXPECT_TRUE(Raw()
                    ->Scan(Family::kAddresses, {}, keys::End({}),
                           [&](std::string_view /*key*/, std::string_view /*value*/) {
                             ++keys;
                             return true;
                           })
                    .ok());
    return keys;
  }
};

INSTANTIATE_TEST_SUITE_P(All, StoreAddressTest, testing::Values(false, true), [](const auto& info) {
  return std::string(info.param ? "Rocks" : "Memory");
});

TEST_P(StoreAddressTest, AnAddressLeadsToEverybodyWhoHasItAndToNobodyWhoHadIt) {
  Customer anna = Buyer("anna", 1);
  Customer ben = Buyer("ben", 1);
  Reach(&anna, {"+8613800001234", "Home@Example.com", "o1"});
  Reach(&ben, {"138 0000 1234", "", ""});
  CommitBatch batch;
  batch.customers = {&ben, &anna};
  ASSERT_TRUE(Commit(&batch).ok());
  Reopen();
  EXPECT_EQ((std::vector<std::string>{"anna", "ben"}),
            Reached(1, Contact::kPhone, "8613800001234"));
  EXPECT_EQ(std::vector<std::string>{"ben"}, Reached(1, Contact::kPhone, "8613800001234", "anna"));
  EXPECT_EQ(std::vector<std::string>{"anna"}, Reached(1, Contact::kEmail, "home@example.com"));
  EXPECT_EQ(std::vector<std::string>{"anna"}, Reached(1, Contact::kWechatOpenid, "o1"));
  EXPECT_TRUE(Reached(1, Contact::kWechatOpenid, "O1").empty());
  EXPECT_TRUE(Reached(0, Contact::kPhone, "8613800001234").empty());  // another shard's own
  static_cast<Contacts&>(*anna.contacts_before) = *anna.profile;
  Reach(&anna, {"+8613800009999", "Home@Example.com", "o1"});
  CommitBatch second;
  second.customers = {&anna};
  ASSERT_TRUE(Commit(&second).ok());
  EXPECT_EQ(std::vector<std::string>{"ben"}, Reached(1, Contact::kPhone, "13800001234"));
  EXPECT_EQ(std::vector<std::string>{"anna"}, Reached(1, Contact::kPhone, "13800009999"));
  EXPECT_EQ(std::vector<std::string>{"anna"}, Reached(1, Contact::kEmail, "home@example.com"));
}

TEST_P(StoreAddressTest, NoAddressStandsInAKey) {
  Customer anna = Buyer("anna", 1);
  Reach(&anna, {"+8613800001234", "home@example.com", "openid"});
  CommitBatch batch;
  batch.customers = {&anna};
  ASSERT_TRUE(Commit(&batch).ok());
  store_.reset();
  const auto key_value = Raw();
  size_t keys = 0;
  for (size_t family = 0; family < kFamilyCount; ++family) {
    ASSERT_TRUE(key_value
                    ->Scan(static_cast<Family>(family), {}, keys::End({}),
                           [&](std::string_view key, std::string_view /*value*/) {
                             EXPECT_EQ(std::string_view::npos, key.find("1380000"));
                             EXPECT_EQ(std::string_view::npos, key.find("home"));
                             EXPECT_EQ(std::string_view::npos, key.find("openid"));
                             ++keys;
                             return true;
                           })
                    .ok());
  }
  EXPECT_GE(keys, 7u);  // format, state, activity, profile, three addresses
}

TEST_P(StoreAddressTest, AnOlderStoreLearnsWhoHasWhichAddress) {
  constexpr int kCustomers = 20'000;  // several commits' worth
  std::vector<Customer> customers;
  CommitBatch batch;
  for (int i = 0; i < kCustomers; ++i) {
    customers.push_back(Buyer("c" + std::to_string(i), 1));
    customers.back().MutableProfile().email = "c" + std::to_string(i) + "@example.com";
  }
  for (const Customer& customer : customers) {
    batch.customers.push_back(&customer);
  }
  ASSERT_TRUE(Commit(&batch).ok());
  EXPECT_TRUE(Reached(1, Contact::kEmail, "c7@example.com").empty());
  store_.reset();
  WriteSet older;
  older.Put(Family::kMeta, keys::Format(), "\x08\x01\x10\x04");  // version 1, 4 shards
  ASSERT_TRUE(Raw()->Commit(older).ok());
  std::vector<uint64_t> progress;
  StoreOptions options;
  options.on_indexing = [&](uint64_t done) { progress.push_back(done); };
  store_ = Store::Open(Raw(), options).value();
  EXPECT_EQ((std::vector<uint64_t>{8192, 16'384, kCustomers}), progress);
  for (const int i : {0, 7, kCustomers - 1}) {
    const std::string id = "c" + std::to_string(i);
    EXPECT_EQ(std::vector<std::string>{id}, Reached(1, Contact::kEmail, id + "@example.com"));
  }
  Reopen();
  EXPECT_EQ(1u, Reached(1, Contact::kEmail, "c7@example.com").size());
}

TEST_P(StoreAddressTest, AnAttributeMayBeAnAddress) {
  EXPECT_EQ(0u, ReopenWith(Names{kContactId}));
  Customer anna = Buyer("anna", 1);
  Customer ben = Buyer("ben", 1);
  Reach(&anna, {"+8613800001234", "", ""});
  Say(&anna, kContactId, "wo1");
  Say(&ben, kContactId, "wo2");
  EXPECT_EQ(std::vector<std::string>{"anna"}, ReachedBy(kContactId, "wo1"));
  EXPECT_EQ(std::vector<std::string>{"anna"}, Reached(1, Contact::kPhone, "+8613800001234"));
  EXPECT_TRUE(ReachedBy("assistant", "wo1").empty());
  Say(&ben, kContactId, "wo1");
  EXPECT_EQ((std::vector<std::string>{"anna", "ben"}), ReachedBy(kContactId, "wo1"));
  EXPECT_TRUE(ReachedBy(kContactId, "wo2").empty());
  Say(&anna, kContactId, "");
  EXPECT_EQ(std::vector<std::string>{"ben"}, ReachedBy(kContactId, "wo1"));
  // Who opens it to look into it knows no config.
  EXPECT_EQ(0u, ReopenWith(std::nullopt));
  Say(&ben, kContactId, "wo3");
  EXPECT_EQ(std::vector<std::string>{"ben"}, ReachedBy(kContactId, "wo3"));
  ASSERT_TRUE(store_->Erase(1, "ben").ok());
  EXPECT_EQ(1u, KeysOfAddresses());  // Anna's phone
}

TEST_P(StoreAddressTest, OtherAttributesAreIndexedOnce) {
  Customer anna = Buyer("anna", 1);
  Reach(&anna, {"+8613800001234", "", ""});
  Say(&anna, kContactId, "wo1");
  Say(&anna, "member", "m1");
  EXPECT_TRUE(ReachedBy(kContactId, "wo1").empty());
  EXPECT_EQ(1u, ReopenWith(Names{kContactId}));
  EXPECT_EQ(std::vector<std::string>{"anna"}, ReachedBy(kContactId, "wo1"));
  EXPECT_EQ(0u, ReopenWith(Names{kContactId}));
  EXPECT_EQ(std::vector<std::string>{"anna"}, ReachedBy(kContactId, "wo1"));
  EXPECT_EQ(1u, ReopenWith(Names{"member"}));
  EXPECT_TRUE(ReachedBy(kContactId, "wo1").empty());
  EXPECT_EQ(std::vector<std::string>{"anna"}, ReachedBy("member", "m1"));
  EXPECT_EQ(std::vector<std::string>{"anna"}, Reached(1, Contact::kPhone, "+8613800001234"));
  EXPECT_EQ(1u, ReopenWith(Names{}));
  EXPECT_EQ(1u, KeysOfAddresses());
}

TEST_P(StoreAddressTest, AnIndexThatIsCutOffIsMadeAnewWhateverIsWantedThen) {
  ReopenWith(Names{kContactId});
  Customer anna = Buyer("anna", 1);
  Say(&anna, kContactId, "wo1");
  // The config named another attribute, the index had been emptied, and the power failed.
  for (const std::optional<Names>& wanted :
       {std::optional(Names{kContactId}), std::optional<Names>()}) {
    store_.reset();
    WriteSet half;
    half.Delete(Family::kAddresses, keys::Address(1, AttributeHash(kContactId, "wo1"), "anna"));
    half.Put(Family::kMeta, keys::Format(),
             std::string("\x08\x04\x10\x04\x1a\x0f") + kContactId + "\x20\x01");
    ASSERT_TRUE(Raw()->Commit(half).ok());
    EXPECT_EQ(1u, ReopenWith(wanted));
    EXPECT_EQ(std::vector<std::string>{"anna"}, ReachedBy(kContactId, "wo1"));
    EXPECT_EQ(0u, ReopenWith(wanted));
  }
}

}  // namespace
}  // namespace huitou
