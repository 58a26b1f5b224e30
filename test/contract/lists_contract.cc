// SPDX-License-Identifier: Apache-2.0
// Lists in pages, selectors, and watches.
#include <set>

#include "test/contract/contract.h"

namespace gatelift {
namespace {

class ListContract : public ContractTest {
 protected:
  void SetUp() override {
    ContractTest::SetUp();
    if (HasFatalFailure()) return;
    serve(definition());
  }

  CrdBuilder definition() const { return widgets().storing("v1"); }
  Resource v1() const { return definition().at("v1"); }
  void make(const std::string& name, const std::string& color = "red") {
    ASSERT_OK(create(cluster_, v1(), widget("v1", name).label("color", color).build()));
  }
  Request list() const {
    Request request;
    request.verb = Verb::List;
    request.resource = v1();
    return request;
  }
  static std::set<std::string> names(const Json& page) {
    std::set<std::string> out;
    for (const Json& item : array_at(page, "items")) out.insert(key_of(item).name);
    return out;
  }
  /// The next event that is no bookmark; fails the test when none comes in 10 s.
  Result<WatchEvent> event_of(Watch& watch) {
    Time deadline = clock_.now() + std::chrono::seconds(10);
    while (clock_.now() < deadline) {
      ASSIGN_OR_RETURN(auto event, watch.next(std::chrono::milliseconds(200)));
      if (event && event->type != WatchEventType::Bookmark) return *std::move(event);
    }
    return fail(ErrorKind::Internal, "no event came");
  }
  Result<std::unique_ptr<Watch>> watch_from(const std::string& resource_version) {
    return cluster_.watch({v1(), ns_, resource_version, ""});
  }
};

TEST_F(ListContract, PagesAreOfOneSnapshotWhateverIsWrittenMeanwhile) {
  for (const char* name : {"a", "b", "c"}) make(name);
  Request request = list();
  request.limit = 2;
  ASSERT_OK_AND_ASSIGN(Json first, cluster_.send(request));
  EXPECT_EQ(names(first), (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(int_at(first, 0, "metadata", "remainingItemCount"), 1);
  make("d");
  ASSERT_OK(delete_object(cluster_, v1(), key("c")));
  request.continue_token = string_at(first, "metadata", "continue");
  ASSERT_FALSE(request.continue_token.empty());
  ASSERT_OK_AND_ASSIGN(Json second, cluster_.send(request));
  EXPECT_EQ(names(second), (std::set<std::string>{"c"}));
  EXPECT_EQ(resource_version_of(second), resource_version_of(first));
  EXPECT_EQ(string_at(second, "metadata", "continue"), "");
}

TEST_F(ListContract, AnEmptyCollectionIsAnEmptyListWithAVersion) {
  ASSERT_OK_AND_ASSIGN(Json page, cluster_.send(list()));
  EXPECT_EQ(page["items"], Json::array());
  EXPECT_FALSE(resource_version_of(page).empty());
  EXPECT_EQ(kind_of(page), "WidgetList");
}

TEST_F(ListContract, SelectorsPickByLabelAndByName) {
  make("a", "red");
  make("b", "blue");
  make("c", "red");
  Request request = list();
  request.label_selector = "color=red";
  EXPECT_EQ(names(*cluster_.send(request)), (std::set<std::string>{"a", "c"}));
  request.label_selector = "color!=red";
  EXPECT_EQ(names(*cluster_.send(request)), (std::set<std::string>{"b"}));
  request.label_selector = "color,!size";
  EXPECT_EQ(names(*cluster_.send(request)), (std::set<std::string>{"a", "b", "c"}));
  request.label_selector.clear();
  request.field_selector = "metadata.name=b";
  EXPECT_EQ(names(*cluster_.send(request)), (std::set<std::string>{"b"}));
}

TEST_F(ListContract, AListMayBeOfMetadataAlone) {
  ASSERT_OK(create(cluster_, v1(), widget("v1", "a").spec({{"x", 1}}).build()));
  Request request = list();
  request.metadata_only = true;
  ASSERT_OK_AND_ASSIGN(Json page, cluster_.send(request));
  EXPECT_EQ(kind_of(page), "PartialObjectMetadataList");
  ASSERT_EQ(page["items"].size(), 1U);
  const Json& item = page["items"][0];
  EXPECT_EQ(key_of(item), key("a"));
  EXPECT_FALSE(item.contains("spec"));
  EXPECT_EQ(kind_of(item), "PartialObjectMetadata");
}

TEST_F(ListContract, AListOfABuiltInKindNamesTheTypeOnce) {
  ASSERT_OK(create(cluster_, resources::kConfigMaps,
                   object("v1", "ConfigMap", key("a")).with("data", {{"k", "v"}}).build()));
  Request request = list();
  request.resource = resources::kConfigMaps;
  request.key.ns = ns_;
  request.field_selector = "metadata.name=a";
  ASSERT_OK_AND_ASSIGN(Json page, cluster_.send(request));
  EXPECT_EQ(kind_of(page), "ConfigMapList");
  ASSERT_EQ(page["items"].size(), 1U);
  EXPECT_EQ(kind_of(page["items"][0]), "");
}

TEST_F(ListContract, AWatchTellsEachChangeSinceTheListInOrder) {
  make("old");
  ASSERT_OK_AND_ASSIGN(Json page, cluster_.send(list()));
  make("a");
  ASSERT_OK_AND_ASSIGN(auto watch, watch_from(resource_version_of(page)));
  ASSERT_OK(merge_patch(cluster_, v1(), key("a"), {{"spec", {{"x", 1}}}}));
  ASSERT_OK(delete_object(cluster_, v1(), key("a")));

  ASSERT_OK_AND_ASSIGN(WatchEvent added, event_of(*watch));
  EXPECT_EQ(added.type, WatchEventType::Added);
  EXPECT_EQ(key_of(added.object), key("a"));
  ASSERT_OK_AND_ASSIGN(WatchEvent modified, event_of(*watch));
  EXPECT_EQ(modified.type, WatchEventType::Modified);
  EXPECT_EQ(modified.object["spec"]["x"], 1);
  ASSERT_OK_AND_ASSIGN(WatchEvent deleted, event_of(*watch));
  EXPECT_EQ(deleted.type, WatchEventType::Deleted);
  EXPECT_EQ(deleted.object["spec"]["x"], 1);
  EXPECT_NE(resource_version_of(deleted.object), resource_version_of(modified.object));
}

TEST_F(ListContract, AWatchOfOneNameSeesNoOther) {
  ASSERT_OK_AND_ASSIGN(Json page, cluster_.send(list()));
  ASSERT_OK_AND_ASSIGN(auto watch,
                       cluster_.watch({v1(), ns_, resource_version_of(page), "metadata.name=b"}));
  make("a");
  make("b");
  ASSERT_OK_AND_ASSIGN(WatchEvent added, event_of(*watch));
  EXPECT_EQ(key_of(added.object), key("b"));
}

TEST_F(ListContract, AChangeOfTheCrdEndsWatchesWithoutDeletedEvents) {
  make("a");
  ASSERT_OK_AND_ASSIGN(Json page, cluster_.send(list()));
  ASSERT_OK_AND_ASSIGN(auto watch, watch_from(resource_version_of(page)));
  ASSERT_OK(change_crd(definition().serving("v2")));
  auto outcome = event_of(*watch);
  ASSERT_FALSE(outcome.has_value()) << outcome->object.dump();
  EXPECT_EQ(outcome.error().kind, ErrorKind::Expired) << outcome.error().message;
}

TEST_F(ListContract, AWatchCannotGoOnFromBeforeAChangeOfTheCrd) {
  make("a");
  ASSERT_OK_AND_ASSIGN(Json page, cluster_.send(list()));
  make("b");
  CrdBuilder changed = definition().serving("v2");
  ASSERT_OK(change_crd(changed));
  settle([&] { return get(cluster_, changed.at("v2"), key("b")).has_value(); });
  auto watch = watch_from(resource_version_of(page));
  ErrorKind kind = ErrorKind::Internal;
  if (!watch) {
    kind = watch.error().kind;
  } else if (auto outcome = event_of(**watch); !outcome) {
    kind = outcome.error().kind;
  }
  EXPECT_EQ(kind, ErrorKind::Expired);
}

}  // namespace
}  // namespace gatelift
