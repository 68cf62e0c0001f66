"""The current user, the sign-in view of rest-knox's documentation, and a sign-up as an app would write it."""

from django.contrib.auth.models import User
from django.urls import path
from knox.views import LoginView
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.generics import CreateAPIView
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView


class UserSerializer(ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "first_name", "username", "email", "last_login", "date_joined"]


class CurrentUser(APIView):
    def get(self, request):
        return Response(UserSerializer(request.user).data)


class Login(LoginView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def post(self, request, format=None):
        serializer = AuthTokenSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        request.user = serializer.validated_data["user"]
        return super().post(request, format=None)


class NewUserSerializer(ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "username", "email", "password"]
        extra_kwargs = {"password": {"write_only": True}}

    def create(self, data):
        return User.objects.create_user(**data)


class Register(CreateAPIView):
    authentication_classes = []
    permission_classes = [AllowAny]
    serializer_class = NewUserSerializer


urlpatterns = [
    path("user", CurrentUser.as_view()),
    path("login", Login.as_view()),
    path("register", Register.as_view()),
]
